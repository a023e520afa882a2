"""Objects across the antimeridian are cut there; what only touches it, and the poles, are not."""

import pytest
import shapely

from skyscript.osm.reasons import POLE, UNCLEAR
from stages.extract.boxes import REPAIRED
from tests.skyscript.osm.osm_text import by_id, convert, extracted, geometry, write_opl
from tests.stages.extract.reader import extracted_by_shards

FIJI = """
n1 x179.99 y-17
n2 x-179.99 y-17
n3 x-179.99 y-16.99
n4 x179.99 y-16.99
n5 x180 y-17
n6 x180 y-16.99
n7 x-180 y-17
n8 x-180 y-16.99
n9 x-180 y-16.98
n11 x179.993 y-16.997
n12 x179.996 y-16.997
n13 x179.996 y-16.994
n14 x179.993 y-16.994
n21 x-170 y70
n22 x-50 y70
n23 x70 y70
n24 x170 y70
n25 x-100 y60
n26 x100 y60
"""
WEST, EAST = shapely.box(179.99, -17, 180, -16.99), shapely.box(-180, -17, -179.99, -16.99)


def rows_of(folder, *lines):
    """Read a file by libosmium and by blocks, which must agree row for row."""
    text = write_opl(folder / "fiji.opl", FIJI, *lines)
    ours = extracted(text, folder, repair="even_odd")
    pbf = convert(text, folder / "fiji.osm.pbf")
    assert ours.equals(extracted_by_shards(pbf, folder, repair="even_odd"))
    return by_id(ours)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return rows_of(
        tmp_path_factory.mktemp("fiji"),
        """
        w1 Thighway=track Nn1,n2
        w2 Tlanduse=farmland Nn1,n2,n3,n4,n1
        w3 Nn1,n2,n3,n4,n1
        w4 Nn1,n5,n6,n4,n1
        w5 Nn7,n2,n3,n8,n7
        w6 Thighway=track Nn1,n7
        w7 Thighway=track Nn2,n5
        w8 Tlanduse=farmland Nn1,n7,n8,n4,n1
        w9 Tlanduse=farmland Nn2,n5,n7,n9,n3,n2
        w10 Thighway=track Nn2,n7,n1,n4
        w11 Nn11,n12,n13,n14,n11
        w12 Tnatural=ice Nn21,n22,n23,n24,n21
        w13 Tbarrier=fence Nn21,n22,n23,n24,n21
        w14 Tlanduse=farmland Nn25,n26,n1,n25
        w15 Nn21,n22,n23,n24,n21
        w16 Nn1,n3,n2,n4,n1
        w17 Thighway=track Nn25,n26
        r3 Ttype=multipolygon,natural=wood Mw3@outer
        r4 Ttype=multipolygon,natural=wood Mw4@outer,w5@outer
        r5 Ttype=multipolygon,natural=water Mw3@outer,w11@inner
        r6 Ttype=multipolygon,natural=ice Mw15@outer
        r7 Ttype=multipolygon,natural=wood Mw16@outer
        """,
    )


def sides(row):
    return [row[side] for side in ("west", "south", "east", "north")]


def test_a_line_has_its_parts_on_both_sides(rows):
    expected = shapely.MultiLineString([[(179.99, -17), (180, -17)], [(-180, -17), (-179.99, -17)]])
    assert geometry(rows["w1"]).equals_exact(expected, 1e-9)
    assert sides(rows["w1"]) == [-180, -17, 180, -17]
    back = geometry(rows["w10"])
    assert back.equals_exact(
        shapely.MultiLineString(
            [
                [(-179.99, -17), (-180, -17)],
                [(180, -17), (179.99, -17), (179.99, -16.99)],
            ]
        ),
        1e-9,
    )


def test_an_area_is_cut_and_stays_valid(rows):
    for name in ("a2", "r3"):
        found = geometry(rows[name])
        assert found.geom_type == "MultiPolygon"
        assert found.is_valid
        assert found.symmetric_difference(shapely.union(WEST, EAST)).area < 1e-12
        assert all(part.exterior.is_ccw for part in found.geoms)
        assert rows[name]["bbox"] == {
            "xmin": -180,
            "ymin": -17,
            "xmax": 180,
            "ymax": -16.99,
        }


def test_a_hole_beside_the_antimeridian_is_a_hole(rows):
    """In libosmium's flat map it would lie outside of the ring, and be an area."""
    found = geometry(rows["r5"])
    hole = shapely.box(179.993, -16.997, 179.996, -16.994)
    assert found.is_valid
    assert found.symmetric_difference(shapely.union(WEST - hole, EAST)).area < 1e-12
    assert rows["r5"]["geom_rule"] == "type=multipolygon"


def test_a_repair_across_it_is_one(rows):
    found = geometry(rows["r7"])
    assert rows["r7"]["geom_rule"].endswith(REPAIRED)
    assert found.is_valid
    assert found.area == pytest.approx(0.01 * 0.02 / 2)
    assert [part.bounds[0] for part in found.geoms] == pytest.approx([-180, 179.99])


def test_what_only_touches_it_is_not_cut(rows):
    assert geometry(rows["w6"]).equals(shapely.LineString([(179.99, -17), (180, -17)]))
    assert geometry(rows["w7"]).equals(shapely.LineString([(-179.99, -17), (-180, -17)]))
    assert geometry(rows["a8"]).equals(WEST)
    assert sides(rows["a9"])[::2] == [-180, -179.99]
    assert geometry(rows["r4"]).area == pytest.approx(2 * 0.01 * 0.01)


def test_an_area_around_a_pole_is_refused_and_a_line_is_not(rows):
    assert [rows[name]["reason"] for name in ("a12", "r6")] == [POLE, POLE]
    assert geometry(rows["w13"]).equals_exact(
        shapely.MultiLineString(
            [
                [(-170, 70), (-50, 70), (70, 70), (170, 70), (180, 70)],
                [(-180, 70), (-170, 70)],
            ]
        ),
        1e-9,
    )


def test_a_side_that_may_go_either_way_is_refused(rows):
    assert [rows[name]["reason"] for name in ("w17", "a14")] == [UNCLEAR, UNCLEAR]


def test_the_rest_of_the_table_is_sound(rows):
    refused = {name for name, row in rows.items() if row["status"] != "ok"}
    assert refused == {"w17", "a14", "a12", "r6"}
    assert all(geometry(row).is_valid for name, row in rows.items() if name not in refused)
