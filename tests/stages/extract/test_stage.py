"""From an OSM file to the table of objects."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import shapely

from pipeline.errors import InputError
from skyscript.geo.hilbert import hilbert_keys
from skyscript.osm.rejected import NODES_MISSING
from stages.extract import EXTRACT, ExtractConfig, extract, geometries
from stages.extract import rows as osm_rows
from stages.extract.stage import SAME_OBJECT
from tests.conftest import extracts
from tests.skyscript.osm.osm_text import CORNERS, by_id, extracted, write_opl


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
    "w27 Thighway=path Nn99,n1,n2,n3": ("w27", osm_rows.NO_NODES),
    "w28 Thighway=path Nn1,n2,n3,n99,n98": ("w28", osm_rows.NO_NODES),
    "w29 Thighway=path Nn1,n99,n2,n3": ("w29", osm_rows.NO_NODES),
    "w30 Thighway=path Nn98,n99,n1": ("w30", osm_rows.NO_NODES),
    "w31 Tbuilding=yes Nn99,n1,n2,n3,n99": ("a31", osm_rows.NO_NODES),
    "n21 Tnatural=tree x200 y43": ("n21", osm_rows.NO_PLACE),
    "w32 Thighway=path Nn1,n21": ("w32", osm_rows.NO_NODES),
    "w33 Tbuilding=yes Nn1,n2,n3,n2,n1": ("a33", geometries.NO_SURFACE),
    "w21 Tbuilding=yes Nn1,n2,n99,n1": ("a21", osm_rows.NO_NODES),
    "w22 Thighway=path Nn1": ("w22", osm_rows.FEW_POINTS),
    "w23 Thighway=path N": ("w23", osm_rows.FEW_POINTS),
    "w24 Thighway=path Nn1,n1": ("w24", osm_rows.FEW_POINTS),
    "w25 Tbuilding=yes Nn1,n2,n1": ("a25", geometries.FEW_CORNERS),
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
        NODES_MISSING,
    ),
    "r24 Ttype=multipolygon,building=yes Mw16@outer": (
        "r24",
        "rings of the relation cross or repeat",
    ),
    "r26 Ttype=multipolygon,building=yes Mw34@outer,w35@outer": (
        "r26",
        NODES_MISSING,
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
        w34 Nn99,n1,n2,n3
        w35 Nn3,n4,n1
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
        n9 x-180 y-16.98
        w1 Thighway=track Nn1,n2
        w6 Thighway=track Nn1,n7
        w7 Thighway=track Nn2,n5
        w8 Tlanduse=farmland Nn1,n7,n8,n4,n1
        w9 Tlanduse=farmland Nn2,n5,n7,n9,n3,n2
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
    crossing = {"w1": crosses, "a2": crosses, "r3": crosses}
    touching = dict.fromkeys(["w6", "w7", "a8", "a9", "r4"])
    assert reasons == crossing | touching
    assert geometry(rows["w6"]).equals(shapely.LineString([(179.99, -17), (180, -17)]))
    assert geometry(rows["w7"]).equals(shapely.LineString([(-179.99, -17), (-180, -17)]))
    assert geometry(rows["a8"]).equals(shapely.box(179.99, -17, 180, -16.99))
    assert (rows["a9"]["west"], rows["a9"]["east"]) == (-180, -179.99)
    assert geometry(rows["r4"]).area == pytest.approx(2 * 0.01 * 0.01)


def test_an_area_with_a_spike_is_its_polygon(tmp_path):
    spike = "w1 Tbuilding=yes Nn1,n2,n3,n8,n3,n4,n1"
    path = write_opl(tmp_path / "spike.opl", CORNERS, "n8 x7.002 y43.002", spike)
    (row,) = extracted(path, tmp_path).to_pylist()
    assert geometry(row).equals(shapely.box(7, 43, 7.001, 43.001))
    assert geometry(row).geom_type == "Polygon"
    assert (row["east"], row["north"]) == (7.001, 43.001)


def test_a_way_that_ends_at_another_node_in_the_place_of_its_first_is_closed(tmp_path):
    path = write_opl(
        tmp_path / "closed.opl", CORNERS, "n8 x7 y43", "w1 Tbuilding=yes Nn1,n2,n3,n4,n8"
    )
    (row,) = extracted(path, tmp_path).to_pylist()
    assert row["object_id"] == "a1"
    assert geometry(row).equals(shapely.box(7, 43, 7.001, 43.001))


def test_an_object_that_is_tagged_on_its_way_and_on_its_multipolygon_is_one(tmp_path):
    path = write_opl(
        tmp_path / "old_style.opl",
        CORNERS,
        """
        w1 Tbuilding=yes,roof:shape=flat,name=Way Nn1,n2,n3,n4,n1
        w2 Nn5,n6,n7,n5
        w3 Tlanduse=forest Nn1,n2,n3
        w4 Tlanduse=forest,name=Part Nn3,n4,n1
        w5 Tnatural=water Nn1,n2,n3,n4,n1
        r1 Ttype=multipolygon,building=yes,name=Relation Mw1@outer,w2@inner
        r2 Ttype=multipolygon,landuse=forest Mw3@outer,w4@
        r3 Ttype=multipolygon,landuse=meadow Mw5@outer,w2@inner
        r4 Ttype=multipolygon,natural=water Mw5@outer,w2@outer,w99@inner
        """,
    )
    table = extracted(path, tmp_path)
    rows = by_id(table)
    same = {name for name, row in rows.items() if row["reason"] == SAME_OBJECT}
    assert same == {"a1", "w3", "w4"}
    assert all(rows[name]["geometry"] is None for name in same)
    assert rows["r1"]["tags"] == [
        ("type", "multipolygon"),
        ("building", "yes"),
        ("name", "Relation"),
        ("roof:shape", "flat"),
    ]
    assert rows["r2"]["tags"] == [("type", "multipolygon"), ("landuse", "forest")]
    assert rows["a5"]["status"] == "ok"  # r3 is a meadow, and r4 has no geometry
    assert rows["r4"]["status"] == "filtered"


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
