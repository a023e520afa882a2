"""The bounds of an extract: from its header, or from its objects."""

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from skyscript.geo.tile import Box
from skyscript.osm.bounds import bounds_of, with_bounds, within_bounds
from stages import tables
from tests.skyscript.osm.osm_text import extracted, write_opl

POINTS = "n1 x7.0 y43.0 Tnatural=tree\nn2 x7.2 y43.4 Tnatural=tree\nn3 x7.4 y43.1"
LINE = "w4 Thighway=primary Nn1,n3"


def test_bounds_come_back_as_they_were_stored():
    table = pa.table({"a": [1]}).replace_schema_metadata(tables.OBJECTS.schema.metadata)
    boxes = [Box(7.1, 43, 7.25, 43.123456789), Box(-1, -2, 3, 4)]
    stored = with_bounds(table, boxes)
    assert bounds_of(ds.dataset(stored)) == boxes
    assert stored.schema.metadata[b"geo"] == table.schema.metadata[b"geo"]
    assert bounds_of(ds.dataset(table)) == []


def test_a_box_is_within_the_bounds_if_no_part_of_it_is_outside():
    bounds = [Box(0, 0, 1, 1), Box(1, 0, 2, 0.5)]
    boxes = [Box(0, 0, 1, 1), Box(0.9, 0.1, 1.1, 0.4), Box(0.9, 0.4, 1.1, 0.6), Box(5, 5, 6, 6)]
    assert within_bounds(boxes, bounds) == [True, True, False, False]
    assert within_bounds(boxes, []) == [None] * 4


def test_without_a_header_the_bounds_are_those_of_the_points(tmp_path):
    found = extracted(write_opl(tmp_path / "a.opl", POINTS, LINE), tmp_path)
    assert bounds_of(ds.dataset(found)) == [Box(7.0, 43.0, 7.2, 43.4)]


def test_without_points_the_bounds_are_those_of_the_ways(tmp_path):
    bare = POINTS.replace("Tnatural=tree", "")
    found = extracted(write_opl(tmp_path / "a.opl", bare, LINE), tmp_path)
    assert bounds_of(ds.dataset(found)) == [Box(7.0, 43.0, 7.4, 43.1)]


@pytest.mark.parametrize(
    ("header", "bounds"),
    [
        ((7.05, 43.05, 7.3, 43.3), (7.05, 43.05, 7.3, 43.3)),
        ((0, 0, 180, 90), (7.0, 43.0, 7.4, 43.4)),  # claims too much
    ],
)
def test_the_header_gives_the_bounds_as_far_as_there_are_objects(tmp_path, header, bounds):
    west, south, east, north = header
    path = tmp_path / "a.osm"
    path.write_text(
        f"""<osm version="0.6">
        <bounds minlat="{south}" minlon="{west}" maxlat="{north}" maxlon="{east}"/>
        <node id="1" lon="7.0" lat="43.0"><tag k="natural" v="tree"/></node>
        <node id="2" lon="7.2" lat="43.4"><tag k="natural" v="tree"/></node>
        <node id="3" lon="7.4" lat="43.1"/>
        <way id="4"><nd ref="1"/><nd ref="3"/><tag k="highway" v="primary"/></way>
        </osm>"""
    )
    assert bounds_of(ds.dataset(extracted(path, tmp_path))) == [Box(*bounds)]
