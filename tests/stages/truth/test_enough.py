"""Enough of an object is in a tile: sizes are of the ground, which EPSG:3857 stretches."""

import numpy as np
import pytest
import shapely
from shapely import LineString, Point, box

from stages.truth.config import TruthConfig
from stages.truth.enough import Parts, shows_enough
from tag_vocab.sizes import Size

TILE = box(0, 0, 100, 100)


def is_shown(shape, size, scale):
    """Tell whether enough of a shape is in a tile of 100 projected metres, 0.5 a pixel."""
    whole = np.array([shape], dtype=object)
    clipped = shapely.intersection(whole, TILE)
    box_of_tile, pixel = np.array([TILE.bounds]), np.array([0.5])
    parts = Parts(whole, clipped, box_of_tile, pixel, np.array([scale]))
    return bool(shows_enough(parts, [size], TruthConfig(min_part=1))[0])


@pytest.mark.parametrize("scale", [1.0, 2.0])  # at the equator, and at 60 degrees
def test_a_thing_has_half_its_size_around_its_point(scale):
    tree = Size("compact", 8.0)
    assert is_shown(Point(4 * scale, 50), tree, scale)
    assert not is_shown(Point(4 * scale - 0.1, 50), tree, scale)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_line_is_twice_as_long_as_it_is_wide(scale):
    road = Size("line", 10.0)
    assert is_shown(LineString([(50, 40), (50, 40 + 20 * scale)]), road, scale)
    assert not is_shown(LineString([(50, 40), (50, 39.9 + 20 * scale)]), road, scale)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_of_a_large_area_a_square_of_its_size_is_enough(scale):
    field = Size("extent", 20.0)
    side = 20 * scale
    assert is_shown(box(100 - side, 30, 300, 30 + side), field, scale)
    assert not is_shown(box(100.1 - side, 30, 300, 30 + side), field, scale)
