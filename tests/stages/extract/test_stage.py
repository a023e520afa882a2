"""From an OSM file to the table of objects."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import shapely

from pipeline.errors import InputError
from skyscript.geo.hilbert import hilbert_keys
from stages.extract import BOXES, ExtractConfig, find_boxes
from stages.extract.boxes import SAME_OBJECT
from tests.conftest import extracts
from tests.skyscript.osm.osm_text import CORNERS, by_id, extracted, geometry, write_opl
from tests.stages.sampling import ids


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


def test_a_key_that_the_user_calls_visible_is_extracted_and_makes_it_another_stage(tmp_path):
    lines = "n1 Tmy:key=crater x1 y1", "n2 Tother:key=crater x1 y1", "n3 Tnatural=tree x1 y1"
    path = write_opl(tmp_path / "craters.opl", *lines)
    own = tmp_path / "own.csv"
    own.write_text("tag,groundable,max_gsd\nmy:key=*,yes,1\nother:key=*,no,\n")
    config = ExtractConfig(path=path, own_labels=own)
    found = pa.concat_tables(find_boxes(config=config, root=tmp_path))
    assert sorted(found["object_id"].to_pylist()) == ["n1", "n3"]
    assert BOXES.external(config) != BOXES.external(ExtractConfig(path=path))


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


@pytest.mark.slow
@pytest.mark.parametrize("path", extracts("monaco"))
def test_rows_follow_the_hilbert_curve_whatever_the_size_of_the_parts(tmp_path, path):
    whole = extracted(path, tmp_path)
    placed = whole.filter(pc.field("status") == "ok")
    west, south, east, north = (
        placed[side].to_numpy() for side in ("west", "south", "east", "north")
    )
    assert np.all(np.diff(hilbert_keys((west + east) / 2, (south + north) / 2)) >= 0)
    config = ExtractConfig(path=path, part_rows=1000)
    parts = list(find_boxes(config=config, root=tmp_path))
    assert [len(part) for part in parts[:-1]] == [1000] * (len(parts) - 1)
    assert ids(pa.concat_tables(parts)) == ids(whole)


def test_no_scratch_file_stays_even_when_the_reader_stops_early(tmp_path):
    path = write_opl(tmp_path / "two.opl", "n1 Tnatural=tree x7 y43", "n2 Tnatural=tree x7 y44")
    root = tmp_path / "run"
    parts = find_boxes(config=ExtractConfig(path=path, part_rows=1), root=root)
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
    assert BOXES.external(one) == BOXES.external(two)
    assert set(BOXES.external(one)) == {"OSM file", "keys of the vocabulary"}
    write_opl(there, "n1 Tnatural=wood x7 y43")
    assert BOXES.external(one) != BOXES.external(two)
    with pytest.raises(InputError, match="does not exist"):
        BOXES.external(ExtractConfig(path=tmp_path / "none.osm.pbf"))
