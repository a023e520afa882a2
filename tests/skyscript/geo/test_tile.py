"""The tile grid: north-up in EPSG:3857, its pixel in ground metres."""

import math

import numpy as np
import pyproj
import pytest

from skyscript.geo.tile import (
    Box,
    mercator_box,
    mercator_scale,
    on_grid,
    project,
    tile_around,
    to_degrees,
    to_mercator,
)

PLACES = [(0.0, 0.0), (8.5, 47.4), (-122.3, 37.8), (179.99, -84.9), (25.0, 70.0)]


@pytest.mark.parametrize("place", PLACES)
def test_positions_agree_with_proj_and_come_back(place: tuple[float, float]) -> None:
    proj = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    assert to_mercator(*place) == pytest.approx(proj.transform(*place), rel=1e-9, abs=1e-6)
    assert to_degrees(*to_mercator(*place)) == pytest.approx(place, rel=1e-9)


def test_many_positions_are_projected_as_one_is_and_end_before_the_poles() -> None:
    assert project(np.array(PLACES)) == pytest.approx(
        np.array([to_mercator(*place) for place in PLACES]), rel=1e-12
    )
    assert np.array_equal(project(np.array([(9, 90.0)])), project(np.array([(9, 89.0)])))


@pytest.mark.parametrize("place", PLACES[:3] + PLACES[4:])
def test_a_tile_is_as_large_on_the_ground_as_its_pixels_say(place: tuple[float, float]) -> None:
    tile = tile_around(*place, 400, 200, 0.6)
    west, south, east, north = tile.box
    ground = pyproj.Geod(a=6378137, b=6378137)  # the sphere of the grid
    _, _, width = ground.inv(west, place[1], east, place[1])
    _, _, height = ground.inv(place[0], south, place[0], north)
    assert width == pytest.approx(240, rel=1e-3)
    assert height == pytest.approx(120, rel=1e-3)


def test_pixels_are_square_on_the_grid() -> None:
    box = mercator_box(tile_around(8.5, 60, 300, 150, 10).box)
    assert (box.east - box.west) / 300 == pytest.approx((box.north - box.south) / 150)
    assert (box.east - box.west) / 300 == pytest.approx(10 * mercator_scale(60))


def test_a_shift_moves_the_tile_to_the_east_and_north_by_pixels() -> None:
    at = tile_around(8.5, 47, 300, 300, 0.5)
    moved = tile_around(8.5, 47, 300, 300, 0.5, shift=(30, -15))
    old, new = mercator_box(at.box), mercator_box(moved.box)
    pixel = 0.5 * mercator_scale(47)
    assert new.west - old.west == pytest.approx(30 * pixel)
    assert new.north - old.north == pytest.approx(-15 * pixel)
    assert new.east - new.west == pytest.approx(old.east - old.west)


def test_the_grid_ends_at_85_degrees_and_at_the_antimeridian() -> None:
    assert on_grid(Box(-180, -85, 180, 85))
    assert not on_grid(Box(0, 84, 1, 85.1))
    assert not on_grid(Box(0, -85.1, 1, -84))
    assert not on_grid(Box(179.9, 0, 180.1, 1))
    assert not on_grid(Box(-180.1, 0, -179.9, 1))
    assert math.isclose(tile_around(180, 0, 100, 100, 1).box.east, 180.00045, abs_tol=1e-5)
