"""From an OSM file to the table of objects."""

import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
import osmium
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import shapely

import tag_vocab
from pipeline.errors import InputError, StorageError
from skyscript.geo.hilbert import hilbert_keys
from skyscript.osm import file as osm_file
from stages.extract import EXTRACT, ExtractConfig, extract
from stages.extract import rows as osm_rows
from tests.conftest import TOWN, extracts, real_files
from tests.skyscript.osm.osm_text import CORNERS, by_id, convert, extracted, write_opl


def geometry(row):
    return shapely.from_wkb(row["geometry"])


def test_nodes_lines_areas_and_multipolygons_each_get_their_letter(tmp_path):
    path = write_opl(
        tmp_path / "town.opl",
        CORNERS,
        """
        n8 Tnatural=tree x7.0005 y43.0005
        n9 Tname=nothing%20%to%20%see x7.0005 y43.0005
        w10 Thighway=residential Nn1,n2,n3
        w11 Tbuilding=yes Nn1,n2,n3,n4,n1
        w12 Thighway=residential,junction=roundabout Nn1,n2,n3,n4,n1
        w13 Tbuilding=yes,area=no Nn1,n2,n3,n4,n1
        w14 Nn1,n2,n3,n4,n1
        w15 Nn5,n6,n7,n5
        r10 Ttype=multipolygon,landuse=forest Mw14@outer,w15@inner
        """,
    )
    rows = by_id(extracted(path, tmp_path))
    assert {name: (row["status"], row["geom_rule"]) for name, row in rows.items()} == {
        "n8": ("ok", "node"),
        "w10": ("ok", "open way"),
        "a11": ("ok", "building"),
        "w12": ("ok", "no area tag"),
        "w13": ("ok", "area=no"),
        "r10": ("ok", "type=multipolygon"),
    }
    assert geometry(rows["n8"]).equals(shapely.Point(7.0005, 43.0005))
    assert geometry(rows["w10"]).equals(shapely.LineString([(7, 43), (7.001, 43), (7.001, 43.001)]))
    assert geometry(rows["a11"]).equals(shapely.box(7, 43, 7.001, 43.001))
    assert geometry(rows["w13"]).geom_type == "LineString"
    (ring,) = geometry(rows["r10"]).geoms[0].interiors
    assert len(ring.coords) == 4
    assert [rows["a11"][side] for side in ("west", "south", "east", "north")] == [
        7.0,
        43.0,
        7.001,
        43.001,
    ]


def test_all_tags_stay_in_the_order_of_the_file_with_version_and_time(tmp_path):
    path = write_opl(
        tmp_path / "town.opl",
        CORNERS,
        """
        n8 v3 t2021-05-04T03:02:01Z Tname=Old%20%oak,natural=tree,height=12 x7 y43
        n9 Tnatural=tree x7 y43
        w14 Nn1,n2,n3,n4,n1
        r1 v2 Tlanduse=forest,type=multipolygon,leaf_type=mixed Mw14@outer
        """,
    )
    rows = by_id(extracted(path, tmp_path))
    assert rows["n8"]["tags"] == [("name", "Old oak"), ("natural", "tree"), ("height", "12")]
    assert (rows["n8"]["osm_version"], rows["n8"]["changed"]) == (
        3,
        datetime(2021, 5, 4, 3, 2, 1, tzinfo=UTC),
    )
    assert (rows["n9"]["osm_version"], rows["n9"]["changed"]) == (None, None)
    assert rows["r1"]["tags"] == [
        ("landuse", "forest"),
        ("type", "multipolygon"),
        ("leaf_type", "mixed"),
    ]
    assert rows["r1"]["osm_version"] == 2


BROKEN = {
    "n20 Tnatural=tree": ("n20", osm_rows.NO_PLACE),
    "n-3 Tnatural=tree x7 y43": ("n-3", osm_rows.NOT_POSITIVE),
    "w20 Thighway=path Nn1,n99": ("w20", osm_rows.NO_NODES),
    "w21 Tbuilding=yes Nn1,n2,n99,n1": ("a21", osm_rows.NO_NODES),
    "w22 Thighway=path Nn1": ("w22", osm_rows.FEW_POINTS),
    "w23 Thighway=path N": ("w23", osm_rows.FEW_POINTS),
    "w24 Thighway=path Nn1,n1": ("w24", osm_rows.FEW_POINTS),
    "w25 Tbuilding=yes Nn1,n2,n1": ("a25", osm_rows.FEW_CORNERS),
    "w26 Tbuilding=yes Nn1,n3,n2,n4,n1": ("a26", "self-intersection"),
    "r20 Ttype=multipolygon,building=yes Mw99@outer": (
        "r20",
        "ways of the relation are not in the extract",
    ),
    "r21 Ttype=multipolygon,building=yes Mn1@label": ("r21", "relation without ways"),
    "r22 Ttype=multipolygon,building=yes Mw18@outer": (
        "r22",
        "rings of the relation do not close",
    ),
    "r23 Ttype=multipolygon,building=yes Mw19@outer": (
        "r23",
        "nodes of the relation's ways are not in the extract",
    ),
    "r24 Ttype=multipolygon,building=yes Mw16@outer": (
        "r24",
        "rings of the relation cross or repeat",
    ),
    "r25 Ttype=site,power=plant Mw16@": ("r25", osm_rows.NOT_AREA),
    "r-4 Ttype=multipolygon,building=yes Mw99@outer": ("r-4", osm_rows.NOT_POSITIVE),
}
NEGATIVE_FIRST = sorted(BROKEN, key=lambda line: (line[0], line[1] != "-"))


def test_a_key_that_the_user_calls_visible_is_extracted_and_makes_it_another_stage(tmp_path):
    lines = "n1 Tmy:key=crater x1 y1", "n2 Tother:key=crater x1 y1", "n3 Tnatural=tree x1 y1"
    path = write_opl(tmp_path / "craters.opl", *lines)
    own = tmp_path / "own.csv"
    own.write_text("tag,groundable,max_gsd\nmy:key=*,yes,1\nother:key=*,no,\n")
    config = ExtractConfig(path=path, own_labels=own)
    found = pa.concat_tables(extract(config=config, root=tmp_path))
    assert sorted(found["object_id"].to_pylist()) == ["n1", "n3"]
    assert EXTRACT.external(config) != EXTRACT.external(ExtractConfig(path=path))


def test_what_is_broken_comes_out_last_filtered_and_named(tmp_path):
    nodes, ways, relations = (
        [line for line in NEGATIVE_FIRST if line[0] == letter] for letter in "nwr"
    )
    path = write_opl(
        tmp_path / "broken.opl",
        *[line for line in nodes if "n-" in line],
        CORNERS,
        "n8 Tnatural=tree x7 y43",
        *[line for line in nodes if "n-" not in line],
        """
        w16 Nn1,n3,n2,n4,n1
        w18 Nn1,n2,n3
        w19 Nn1,n2,n99,n1
        """,
        *ways,
        *relations,
    )
    table = extracted(path, tmp_path)
    assert table["object_id"][0].as_py() == "n8"
    rows = by_id(table.slice(1))
    assert {(name, row["reason"]) for name, row in rows.items()} == set(BROKEN.values())
    assert {row["status"] for row in rows.values()} == {"filtered"}
    assert all(row["geometry"] is None and row["west"] is None for row in rows.values())


def test_what_crosses_the_antimeridian_is_named_and_what_touches_it_is_not(tmp_path):
    path = write_opl(
        tmp_path / "fiji.opl",
        """
        n1 x179.99 y-17
        n2 x-179.99 y-17
        n3 x-179.99 y-16.99
        n4 x179.99 y-16.99
        n5 x180 y-17
        n6 x180 y-16.99
        n7 x-180 y-17
        n8 x-180 y-16.99
        w1 Thighway=track Nn1,n2
        w2 Tlanduse=farmland Nn1,n2,n3,n4,n1
        w3 Nn1,n2,n3,n4,n1
        w4 Nn1,n5,n6,n4,n1
        w5 Nn7,n2,n3,n8,n7
        r3 Ttype=multipolygon,natural=wood Mw3@outer
        r4 Ttype=multipolygon,natural=wood Mw4@outer,w5@outer
        """,
    )
    rows = by_id(extracted(path, tmp_path))
    reasons = {name: row["reason"] for name, row in rows.items()}
    crosses = osm_rows.ANTIMERIDIAN
    assert reasons == {"w1": crosses, "a2": crosses, "r3": crosses, "r4": None}
    assert geometry(rows["r4"]).area == pytest.approx(2 * 0.01 * 0.01)


def test_a_ring_that_only_touches_itself_becomes_two_parts(tmp_path):
    path = write_opl(
        tmp_path / "eight.opl",
        CORNERS,
        """
        n8 x7.002 y43.002
        n9 x7.001 y43.002
        w1 Tbuilding=yes Nn1,n2,n3,n8,n9,n3,n4,n1
        """,
    )
    (row,) = extracted(path, tmp_path).to_pylist()
    assert row["status"] == "ok"
    assert len(geometry(row).geoms) == 2


@pytest.mark.parametrize("path", extracts("monaco"))
def test_rows_follow_the_hilbert_curve_whatever_the_size_of_the_parts(tmp_path, path):
    whole = extracted(path, tmp_path)
    placed = whole.filter(pc.field("status") == "ok")
    west, south, east, north = (
        placed[side].to_numpy() for side in ("west", "south", "east", "north")
    )
    assert np.all(np.diff(hilbert_keys((west + east) / 2, (south + north) / 2)) >= 0)
    config = ExtractConfig(path=path, part_rows=1000)
    parts = list(extract(config=config, root=tmp_path))
    assert [len(part) for part in parts[:-1]] == [1000] * (len(parts) - 1)
    assert pa.concat_tables(parts).equals(whole)


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
    assert {f"w{name[1:]}" for name in other.shapes} <= lines


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
    assert Counter(rows["reason"].to_pylist())[osm_rows.ANTIMERIDIAN] == 2
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


@pytest.mark.parametrize("kind", ["sparse_file_array", "dense_file_array"])
@pytest.mark.parametrize("path", extracts("monaco"))
def test_the_index_of_a_large_file_lies_on_disk_and_changes_nothing(
    tmp_path, path, monkeypatch, kind
):
    expected = extracted(path, tmp_path)
    monkeypatch.setattr(osm_file, "INDEX_IN_MEMORY_UP_TO", 0)
    if kind == "dense_file_array":
        monkeypatch.setattr(osm_file, "SPARSE_INDEX_UP_TO", 0)
        path = write_opl(tmp_path / "small.opl", CORNERS, "w1 Tbuilding=yes Nn1,n2,n3,n1")
        expected = None
    assert osm_file.index_kind(1, tmp_path).startswith(f"{kind},{tmp_path}")
    table = extracted(path, tmp_path)
    assert expected is None or table.equals(expected)
    assert table["status"][0].as_py() == "ok"


def test_an_index_that_would_fill_the_disk_is_refused_beforehand(tmp_path):
    with pytest.raises(StorageError, match="scratch space"):
        osm_file.index_kind(10**18, tmp_path)


def test_a_large_file_in_no_order_is_left_to_osmium(tmp_path, monkeypatch):
    monkeypatch.setattr(osm_file, "SORT_UP_TO", 1)
    path = write_opl(tmp_path / "large.opl", "w2 Thighway=path N", "w1 Thighway=path N")
    with pytest.raises(InputError, match="osmium sort"):
        extracted(path, tmp_path)


def make_missing(path):
    return path / "nowhere.osm.pbf"


def make_folder(path):
    (path / "folder.osm.pbf").mkdir()
    return path / "folder.osm.pbf"


def make_png(path):
    (path / "picture.osm.pbf").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    return path / "picture.osm.pbf"


def make_empty_file(path):
    (path / "empty.osm.pbf").write_bytes(b"")
    return path / "empty.osm.pbf"


def make_broken_xml(path):
    (path / "half.osm").write_text('<osm version="0.6"><node id="1" lat="1" lon="1"/>')
    return path / "half.osm"


def make_unknown_ending(path):
    return write_opl(path / "town.txt", "n1 Tnatural=tree x7 y43")


def make_change_file(path):
    (path / "day.osc").write_text('<osmChange version="0.6"/>')
    return path / "day.osc"


def make_nothing_to_see(path):
    return write_opl(path / "dull.opl", "n1 Tname=Nowhere x7 y43", "n2 x7 y43")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_missing, "does not exist"),
        (make_folder, "is a folder"),
        (make_png, "cannot be read as an OSM file"),
        (make_empty_file, "cannot be read as an OSM file"),
        (make_broken_xml, "cannot be read as an OSM file"),
        (make_unknown_ending, "ending"),
        (make_change_file, "history or change file"),
        (make_nothing_to_see, "no object with a key of the vocabulary"),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_file(tmp_path, make, words):
    path = make(tmp_path)
    root = tmp_path / "run"
    with pytest.raises(InputError, match=words) as error:
        extracted(path, root)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert not root.exists() or not list(root.iterdir())


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.999])
@pytest.mark.parametrize("whole", extracts("monaco"))
def test_a_pbf_that_is_cut_off_is_refused(tmp_path, whole, share):
    data = whole.read_bytes()
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match="cut off"):
        extracted(path, tmp_path)


def test_no_scratch_file_stays_even_when_the_reader_stops_early(tmp_path):
    path = write_opl(tmp_path / "two.opl", "n1 Tnatural=tree x7 y43", "n2 Tnatural=tree x7 y44")
    root = tmp_path / "run"
    parts = extract(config=ExtractConfig(path=path, part_rows=1), root=root)
    assert len(next(parts)) == 1
    assert list(root.iterdir())
    parts.close()
    assert not list(root.iterdir())


def test_the_result_depends_on_what_the_file_holds_not_on_where_it_lies(tmp_path):
    here, there = tmp_path / "a.opl", tmp_path / "there" / "a.opl"
    there.parent.mkdir()
    write_opl(here, "n1 Tnatural=tree x7 y43")
    write_opl(there, "n1 Tnatural=tree x7 y43")
    one, two = ExtractConfig(path=here), ExtractConfig(path=there)
    assert one.identity() == two.identity()
    assert EXTRACT.external(one) == EXTRACT.external(two)
    assert set(EXTRACT.external(one)) == {"OSM file", "keys of the vocabulary"}
    write_opl(there, "n1 Tnatural=wood x7 y43")
    assert EXTRACT.external(one) != EXTRACT.external(two)
    with pytest.raises(InputError, match="does not exist"):
        EXTRACT.external(ExtractConfig(path=tmp_path / "none.osm.pbf"))
