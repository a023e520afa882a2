"""Reading by blocks gives what libosmium gives, row for row, or hands the file to libosmium."""

import itertools
import logging
from pathlib import Path

import osmium
import pyarrow as pa
import pytest

from pipeline.errors import InputError
from skyscript.osm.assembly import assemble
from stages.extract import by_blocks, reading
from tests.conftest import SHARED, TOWN, extracts
from tests.skyscript.osm.blocks import pbf
from tests.skyscript.osm.osm_text import by_id, convert, extracted, write_opl
from tests.stages.extract.reader import extracted_by_shards, read_here_always

pytestmark = pytest.mark.slow


pytest.importorskip("numba")
pytest.importorskip("isal")

FILES = sorted(SHARED.glob("osm/*.osm.pbf"))
NOT_SORTED = {"columbus.osm.pbf"}


@pytest.fixture
def both(tmp_path, monkeypatch, caplog):
    """Extract a file by blocks and by objects; give both tables, and why blocks were left."""
    caplog.set_level(logging.INFO, logger="stages.extract.boxes")
    read_here_always(monkeypatch)

    def extract(path: Path) -> tuple[pa.Table, pa.Table, str | None]:
        caplog.clear()
        ours = extracted_by_shards(path, tmp_path)
        left = [record.getMessage() for record in caplog.records]
        return ours, extracted(path, tmp_path), left[0] if left else None

    return extract


def sizes(path: Path) -> object:
    slow = path.stat().st_size > 1_400_000
    return pytest.param(path, id=path.name, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize("path", [TOWN, *map(sizes, FILES)])
def test_every_row_is_that_of_libosmium(path, both):
    ours, reference, left = both(path)
    assert ours.equals(reference, check_metadata=True)  # the bounds of the extract, too
    assert (left is None) == (path.name not in NOT_SORTED)


@pytest.mark.parametrize("path", extracts("liechtenstein"))
def test_relations_are_assembled_some_at_once_and_the_rows_are_the_same(path, both, monkeypatch):
    calls = []

    def assembled(file, relations, take):
        calls.append(len(relations))
        assemble(file, relations, take)

    monkeypatch.setattr(by_blocks, "assemble", assembled)
    monkeypatch.setattr(by_blocks, "WAYS_AT_ONCE", 4)
    monkeypatch.setattr(reading, "REJECTED_AT_ONCE", 2)
    ours, reference, left = both(path)
    assert ours.equals(reference)
    assert left is None
    assert len(calls) > 3


@pytest.mark.parametrize(
    "options",
    [
        "pbf_compression=none",
        "pbf_compression=lz4",
        "pbf_dense_nodes=false",
        "pbf_dense_nodes=false,add_metadata=none",
        "add_metadata=version",
    ],
)
def test_an_encoding_of_osmium_changes_nothing(tmp_path, both, options):
    ours, reference, left = both(convert(TOWN, tmp_path / "town.osm.pbf", f"pbf,{options}"))
    assert left is None
    assert ours.equals(reference)


@pytest.mark.parametrize("pack", [pbf.zlib_blob, pbf.raw_blob, pbf.lz4_blob, pbf.zstd_blob])
def test_a_packing_of_blobs_changes_nothing(tmp_path, both, pack):
    plain = convert(TOWN, tmp_path / "plain.osm.pbf", "pbf,pbf_compression=none")
    head, *blocks = pbf.blocks_of(plain)
    head = pbf.blob(b"OSMHeader", pbf.raw_blob(head))
    path = pbf.write(tmp_path / "packed.osm.pbf", *blocks, pack=pack, head=head)
    expected = both(plain)[1]
    assert extracted_by_shards(path, tmp_path).equals(expected)


def reblocked(source: Path, folder: Path, sizes: list[int]) -> list[bytes]:
    """Give the objects of a file in blocks of as many objects as the sizes say, in turn."""
    things, blocks = iter(osmium.FileProcessor(str(source))), []
    for number, size in enumerate(itertools.cycle(sizes)):
        name, count = folder / f"{number}.osm.pbf", 0
        with osmium.SimpleWriter(osmium.io.File(str(name), "pbf,pbf_compression=none")) as out:
            for thing in itertools.islice(things, size):
                out.add(thing)
                count += 1
        if not count:
            return blocks
        blocks += pbf.blocks_of(name)[1:]


def test_small_blocks_of_mixed_sizes_change_nothing(tmp_path, both):
    blocks = reblocked(TOWN, tmp_path, [500, 1, 1500, 3000])
    ours, reference, left = both(pbf.write(tmp_path / "small.osm.pbf", *blocks))
    assert left is None
    assert len(blocks) > 20
    assert ours.equals(reference)
    assert ours.select(["object_id", "geometry"]).equals(
        extracted(TOWN, tmp_path).select(["object_id", "geometry"])
    )


def test_places_on_ways_and_any_order_are_left_to_libosmium(tmp_path, both):
    things = list(map(str, convert(TOWN, tmp_path / "town.opl").read_text().splitlines()))
    turned = write_opl(tmp_path / "turned.opl", *reversed(things))
    ours, reference, left = both(convert(turned, tmp_path / "turned.osm.pbf"))
    assert ours.equals(reference)
    assert "ids that do not rise" in left or "not sorted" in left
    with_places = tmp_path / "places.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(with_places), "pbf,locations_on_ways=true")) as out:
        for thing in osmium.FileProcessor(str(TOWN)).with_locations():
            out.add(thing)
    ours, reference, left = both(with_places)
    assert ours.equals(reference)
    assert "its ways carry places" in left


SQUARE = pbf.dense(
    [1, 2, 3, 4],
    [70_000_000, 70_001_000, 70_001_000, 70_000_000],
    [430_000_000, 430_000_000, 430_001_000, 430_001_000],
)
TAGS = [b"building", b"yes", b"type", b"multipolygon", b"landuse", b"forest"]


def test_types_that_share_a_block_and_groups_are_read(tmp_path, both):
    house = pbf.way(7, [1, 2, 3, 4, 1], [1], [2])
    forest = pbf.relation(9, [8], [3, 5], [4, 6])
    ring = pbf.way(8, [4, 3, 2, 1, 4], [], [])
    more = pbf.dense([6], [70_002_000], [430_002_000], [1, 2, 0])
    path = pbf.write(tmp_path / "mixed.osm.pbf", pbf.block(TAGS, SQUARE, more, house, ring, forest))
    ours, reference, left = both(path)
    assert left is None
    assert ours.equals(reference)
    assert set(by_id(ours)) == {"n6", "a7", "r9"}
    assert set(ours["status"].to_pylist()) == {"ok"}


def test_a_grid_of_its_own_and_repeated_keys_are_read(tmp_path, both):
    grid = {"granularity": 1000, "lat_offset": 77, "lon_offset": 1234567, "date_granularity": 1}
    nodes = pbf.dense([1, 2], [7_000_000, -7_000_000], [43_000_000, -43_000_000])
    line = pbf.way(7, [1, 2], [1, 5, 1], [2, 6, 4])
    ours, reference, left = both(
        pbf.write(tmp_path / "grid.osm.pbf", pbf.block(TAGS, nodes, line, **grid))
    )
    assert left is None
    assert ours.equals(reference)
    assert by_id(ours)["w7"]["tags"] == [("building", "multipolygon"), ("landuse", "forest")]


RINGS = {
    "simple": [1, 2, 3, 4, 1],
    "turned": [1, 4, 3, 2, 1],
    "bow tie": [1, 3, 2, 4, 1],
    "spike": [1, 2, 3, 2, 4, 1],
    "eight": [1, 2, 3, 1, 4, 3, 1],
    "no surface": [1, 2, 3, 2, 1],
    "two corners": [1, 2, 1],
    "one corner": [1, 1],
    "repeated node": [1, 2, 2, 3, 4, 1],
    "lacking": [1, 2, 99, 4, 1],
    "closed by place": [1, 2, 3, 4, 5],
    "no nodes": [],
}


@pytest.mark.parametrize("name", RINGS)
def test_a_ring_is_judged_as_libosmium_and_shapely_judge_it(tmp_path, both, name):
    again = pbf.dense([5], [70_000_000], [430_000_000])
    house, fence = pbf.way(7, RINGS[name], [1], [2]), pbf.way(8, RINGS[name], [5], [2])
    path = pbf.write(tmp_path / "ring.osm.pbf", pbf.block(TAGS, SQUARE, again, house, fence))
    ours, reference, left = both(path)
    assert left is None
    assert ours.equals(reference)


@pytest.mark.parametrize(
    "lons", [(1_799_990_000, -1_799_990_000), (1_799_990_000, -1_800_000_000), (1_900_000_000, 0)]
)
def test_the_antimeridian_and_places_off_the_globe_are_as_ever(tmp_path, both, lons):
    west, east = lons
    nodes = pbf.dense([1, 2, 3], [west, east, east], [10, 10, 9_000], [1, 2, 0, 0, 0])
    ways = [pbf.way(7, [1, 2, 3, 1], [1], [2]), pbf.way(8, [1, 2], [5], [6])]
    ours, reference, left = both(
        pbf.write(tmp_path / "edge.osm.pbf", pbf.block(TAGS, nodes, *ways))
    )
    assert left is None
    assert ours.equals(reference)


def test_a_damaged_file_is_refused_in_libosmiums_words(tmp_path):
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(TOWN.read_bytes()[:-1000])
    with pytest.raises(InputError, match="cannot be read as an OSM file"):
        extracted_by_shards(path, tmp_path)
