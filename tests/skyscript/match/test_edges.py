"""Which objects have an edge that can be seen from above."""

import math

import numpy as np
import pyarrow as pa
import pytest

from skyscript.geo.tile import Box, to_mercator
from skyscript.match.edge_image import both_sides
from skyscript.match.edge_lines import EdgeLines, Pieces
from skyscript.match.edges import _table, edge_width
from stages import tables
from tag_vocab import SHIPPED, look_up
from tests.stages.ground import LAT, area, line, point, thing


@pytest.mark.parametrize(
    ("kind", "tags", "width"),
    [
        ("a", {"building": "yes"}, 0),
        ("r", {"natural": "water"}, 0),
        ("a", {"landuse": "farmland"}, 0),
        ("a", {"landuse": "forest", "leaf_type": "mixed"}, 0),
        ("w", {"highway": "residential"}, 5.5),
        ("w", {"highway": "residential", "width": "7 m"}, 7),
        ("w", {"highway": "primary", "lanes": "4"}, 13),
        ("w", {"highway": "track", "width": "wide"}, 3),
        ("w", {"highway": "track", "width": "-3"}, 3),
        ("w", {"highway": "track", "width": "nan"}, 3),
        ("w", {"natural": "coastline"}, 0),
        # no edge of their own, or none that can be seen
        ("n", {"building": "yes"}, None),
        ("a", {"landuse": "residential"}, None),
        ("a", {"boundary": "administrative"}, None),
        ("w", {"waterway": "river"}, None),
        ("w", {"power": "line"}, None),
        ("w", {"highway": "residential", "tunnel": "yes"}, None),
        ("a", {"building": "yes", "location": "underground"}, None),
    ],
)
def test_an_object_has_an_edge_by_its_kind_and_its_tags(kind, tags, width):
    assert edge_width(kind, tags, SHIPPED) == width


def objects(*things):
    return pa.Table.from_pylist(list(things), schema=tables.OBJECTS.schema)


def test_every_ring_of_an_area_is_an_edge_and_a_point_is_none():
    yard = area(0, 0, 20, 20).difference(area(5, 5, 10, 10))
    lines = EdgeLines(
        objects(thing("a1", yard, building="yes"), thing("n2", point(3, 3), natural="tree")),
        SHIPPED,
    )
    pieces = lines.near(Box(-2e7, -2e7, 2e7, 2e7))
    assert len(pieces.ends) == 8
    length = abs(pieces.ends[:, 2:] - pieces.ends[:, :2]).sum()
    assert length == pytest.approx(100 / math.cos(math.radians(LAT)), rel=1e-3)


def test_only_objects_near_the_box_are_given_each_with_its_width():
    road, far = line((0, 0), (30, 0), (30, 30)), line((900, 0), (930, 0))
    lines = EdgeLines(
        objects(thing("w1", road, highway="service"), thing("w2", far, highway="track")), SHIPPED
    )
    x, y = to_mercator(road.centroid.x, road.centroid.y)
    pieces = lines.near(Box(x - 50, y - 50, x + 50, y + 50))
    assert pieces.width.tolist() == [4, 4]
    assert len(lines.near(Box(0, 0, 1, 1)).ends) == 0


def test_a_line_with_a_width_becomes_its_two_sides():
    sides = both_sides(Pieces(np.array([[0.0, 10, 40, 10]]), np.array([6.0])), pixel=0.5, least=1)
    assert sorted(sides.ends.tolist()) == [[0, 4, 40, 4], [0, 16, 40, 16]]


def test_the_sides_of_a_thin_line_are_where_a_coarse_image_shows_them():
    sides = both_sides(Pieces(np.array([[0.0, 10, 40, 10]]), np.array([3.0])), pixel=10, least=1.5)
    assert sorted(sides.ends[:, 1].tolist()) == [8.5, 11.5]


def test_every_tag_with_an_edge_is_one_that_the_vocabulary_lets_be_seen():
    unseen = [tag for tag in _table() if tag[1] != "*" and not look_up(*tag).groundable]
    assert unseen == []
