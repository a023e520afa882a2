"""OSM files of any order, format and size give the same table."""

import random
from collections import Counter
from contextlib import suppress

import osmium
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import shapely

import tag_vocab
from pipeline.errors import InputError, StorageError
from skyscript.osm import file as osm_file
from skyscript.osm import node_index
from stages.extract import ExtractConfig
from stages.extract import rows as osm_rows
from stages.extract.boxes import SAME_OBJECT
from stages.extract.reading import Reading, read_here
from tests.conftest import TOWN, extracts, real_files
from tests.skyscript.osm.osm_text import CORNERS, convert, extracted, write_opl

pytestmark = pytest.mark.slow


class Counts(osmium.SimpleHandler):
    """Another way to read a file: callbacks, and libosmium's assembler for all areas."""

    def __init__(self, keys):
        super().__init__()
        self.keys = keys
        self.kinds = Counter()
        self.shapes = {}
        self.factory = osmium.geom.WKBFactory()

    def carries(self, thing):
        return any(tag.k in self.keys for tag in thing.tags)

    def node(self, node):
        self.kinds["n"] += self.carries(node)

    def way(self, way):
        self.kinds["wa"] += self.carries(way)

    def relation(self, relation):
        self.kinds["r"] += self.carries(relation)

    def area(self, area):
        if self.carries(area):
            name = f"{'a' if area.from_way() else 'r'}{area.orig_id()}"
            with suppress(RuntimeError):  # rings that do not close: no area
                self.shapes[name] = bytes.fromhex(self.factory.create_multipolygon(area))


@pytest.mark.parametrize("path", extracts("monaco", "liechtenstein"))
def test_another_reader_finds_the_same_objects_and_the_same_areas(tmp_path, path):
    other = Counts(tag_vocab.groundable_keys())
    other.apply_file(str(path))
    table = extracted(path, tmp_path)
    kinds = Counter(table["kind"].to_pylist())
    assert {"n": kinds["n"], "wa": kinds["w"] + kinds["a"], "r": kinds["r"]} == other.kinds
    areas = table.filter(pc.field("status") == "ok").filter(pc.field("kind").isin(["a", "r"]))
    assert kinds["a"] > 1000
    names = areas["object_id"].to_pylist()
    theirs = shapely.from_wkb([other.shapes.pop(name) for name in names])
    ours = shapely.from_wkb(areas["geometry"].to_pylist())
    assert shapely.equals(ours, theirs).all()
    lines = set(table.filter(pc.field("kind") == "w")["object_id"].to_pylist())
    merged = set(table.filter(pc.field("reason") == SAME_OBJECT)["object_id"].to_pylist())
    assert {name for name in other.shapes if f"w{name[1:]}" not in lines} == merged


@pytest.mark.parametrize("cases", real_files("osm/multipolygon_cases.osm"))
def test_the_known_odd_multipolygons_are_assembled_or_named(tmp_path, cases):
    text = cases.read_text()
    path = tmp_path / "cases.osm"
    path.write_text(text.replace("k='testcase'", "k='landuse'"))
    rows = extracted(path, tmp_path)
    relations = {
        dict(row["tags"])["landuse"]: row["reason"] or "ok"
        for row in rows.to_pylist()
        if row["kind"] == "r"
    }
    assert len(relations) == 32
    assert relations["2100"] == "ok"  # two ways, plain
    assert relations["2200"] == "rings of the relation cross or repeat"  # ways that cross
    assert relations["2500"] == "rings of the relation do not close"  # an open ring
    assert relations["6100"] == "ok"  # with a hole, cut at 180 degrees
    wide = pc.equal(pc.subtract(rows["east"], rows["west"]), 360)
    assert [dict(tags)["landuse"] for tags in rows.filter(wide)["tags"].to_pylist()] == ["6100"]
    assert shapely.is_valid(shapely.from_wkb(rows["geometry"].drop_null().to_pylist())).all()


def test_a_file_that_is_not_sorted_gives_what_the_sorted_one_gives(tmp_path):
    lines = [
        *CORNERS.splitlines(),
        "n8 Tnatural=tree x7 y43",
        "w14 Nn1,n2,n3,n4,n1",
        "w15 Tbuilding=yes Nn1,n2,n3,n1",
        "r1 Ttype=multipolygon,landuse=forest Mw14@outer",
    ]
    expected = extracted(write_opl(tmp_path / "sorted.opl", *lines), tmp_path)
    assert expected["status"].to_pylist() == ["ok"] * 3
    for order in (reversed(lines), [*lines[8:], *lines[:8]], [lines[-2], *lines]):
        other = write_opl(tmp_path / "other.opl", *order)
        assert extracted(other, tmp_path).equals(expected)


def test_of_an_object_that_is_there_twice_the_last_version_counts(tmp_path):
    old, new = "n8 v1 Tnatural=tree x7 y43", "n8 v2 Tnatural=rock x7 y43"
    for lines in ((old, new), (new, old)):
        (row,) = extracted(write_opl(tmp_path / "twice.opl", *lines), tmp_path).to_pylist()
        assert row["tags"] == [("natural", "rock")]


def test_the_town_in_no_order_gives_the_same_table(tmp_path):
    things = by_line(TOWN, tmp_path)
    random.Random(1).shuffle(things)
    mixed = write_opl(tmp_path / "mixed.opl", *things)
    assert extracted(mixed, tmp_path).equals(extracted(TOWN, tmp_path))


def by_line(path, folder):
    """Give the objects of a file as lines of OPL."""
    return convert(path, folder / "lines.opl").read_text().splitlines()


@pytest.mark.parametrize("path", real_files("osm/columbus.osm.pbf"))
def test_a_real_file_in_no_order_loses_no_nodes(tmp_path, path):
    table = extracted(path, tmp_path)
    assert len(table) > 16_000
    assert osm_rows.NO_NODES not in table["reason"].to_pylist()


@pytest.mark.slow
@pytest.mark.parametrize("path", extracts("singapore_bay"))
def test_every_format_gives_the_same_table(tmp_path, path):
    expected = extracted(path, tmp_path)
    for name in ("bay.osm", "bay.osm.bz2", "bay.osm.gz", "bay.opl", "bay.pbf"):
        assert extracted(convert(path, tmp_path / name), tmp_path).equals(expected)


@pytest.mark.parametrize("path", extracts("singapore_bay"))
def test_ways_may_carry_the_places_of_their_nodes(tmp_path, path):
    bare = tmp_path / "bay.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(bare), "pbf,locations_on_ways=true")) as writer:
        for thing in osmium.FileProcessor(str(path)).with_locations():
            if not thing.is_node() or len(thing.tags):
                writer.add(thing)
    assert extracted(bare, tmp_path).equals(extracted(path, tmp_path))


@pytest.mark.parametrize("index", ["memory", "sparse_file"])
@pytest.mark.parametrize("path", extracts("monaco"))
def test_where_the_index_of_nodes_lies_changes_nothing(tmp_path, path, index):
    table = extracted(path, tmp_path, node_index=index)
    assert table.equals(extracted(path, tmp_path))
    same = ExtractConfig(path=path, node_index=index).identity()
    assert same == ExtractConfig(path=path).identity()


def test_a_dense_index_on_disk_gives_the_same_objects(tmp_path, monkeypatch):
    monkeypatch.setattr(node_index, "_DENSE", 0)
    path = write_opl(tmp_path / "small.opl", CORNERS, "w1 Tbuilding=yes Nn1,n2,n3,n1")
    read_here(None, Reading([(path, "opl")], {"building"}, "dense_file"), tmp_path)
    (row,) = pq.read_table(tmp_path / "objects.parquet").to_pylist()
    assert (row["kind"], row["reason"]) == ("a", None)


@pytest.mark.parametrize(
    ("size", "choice", "words"),
    [
        (10**18, "auto", "scratch space"),
        (10**18, "sparse_file", "scratch space"),
        (10**18, "memory", "MB of memory.*node_index: sparse_file"),
    ],
)
def test_an_index_that_would_fill_disk_or_memory_is_refused(tmp_path, size, choice, words):
    with pytest.raises(StorageError, match=words):
        node_index.index_kind(size, tmp_path, choice)


def test_the_size_of_the_input_chooses_the_index(tmp_path, monkeypatch):
    monkeypatch.setattr(node_index, "require_space", lambda folder, size: None)
    kinds = [node_index.index_kind(size, tmp_path) for size in (1, 10**9, 10**11)]
    assert [kind.partition(",")[0] for kind in kinds] == [
        "flex_mem",
        "sparse_file_array",
        "dense_file_array",
    ]


def test_a_large_file_in_no_order_is_left_to_osmium(tmp_path, monkeypatch):
    monkeypatch.setattr(osm_file, "SORT_UP_TO", 1)
    path = write_opl(tmp_path / "large.opl", "w2 Thighway=path N", "w1 Thighway=path N")
    with pytest.raises(InputError, match="osmium sort"):
        read_here(None, Reading([(path, "opl")], {"highway"}), tmp_path)
