"""Lines and areas that are written on beyond 180 degrees, and cut there."""

import numpy as np
import pytest
import shapely

from skyscript.geo.antimeridian import crossing, cut, jumps_in, middles, written_on


def whole(*points: tuple[float, float]) -> shapely.Geometry:
    """Write a line on and cut it."""
    lines, unclear = written_on(np.array([shapely.LineString(points)], object))
    assert not unclear.any()
    return cut(lines)[0]


def test_a_line_that_stays_on_one_side_is_left_as_it_is() -> None:
    line = shapely.LineString([(170, 1), (180, 2), (170, 3)])
    assert whole(*line.coords).equals_exact(line)


def test_the_latitude_of_the_cut_is_in_proportion() -> None:
    found = whole((179, 0), (-177, 4))
    assert found.equals_exact(
        shapely.MultiLineString([[(179, 0), (180, 1)], [(-180, 1), (-177, 4)]]), 1e-9
    )


def test_a_node_on_180_degrees_ends_one_part_and_begins_the_next() -> None:
    found = whole((179, 0), (180, 1), (-179, 2))
    assert found.equals_exact(
        shapely.MultiLineString([[(179, 0), (180, 1)], [(-180, 1), (-179, 2)]]), 1e-9
    )


def test_a_line_twice_round_the_globe_keeps_its_length() -> None:
    points = [((lon + 180) % 360 - 180, lon / 100) for lon in range(0, 800, 40)]
    found = whole(*points)
    assert [part.bounds[::2] for part in found.geoms] == [(0, 180), (-180, 180), (-180, 40)]
    straight = shapely.LineString([(lon, lon / 100) for lon in (0, 760)])
    assert found.length == pytest.approx(straight.length)


def test_an_area_is_cut_whichever_way_it_was_written_on() -> None:
    for west in (175.0, -185.0):
        area = np.array([shapely.box(west, 0, west + 10, 1)], object)
        [found] = cut(area)
        expected = shapely.union(shapely.box(175, 0, 180, 1), shapely.box(-180, 0, -175, 1))
        assert found.equals(expected)


def test_jumps_are_counted_and_a_side_of_180_degrees_is_none() -> None:
    assert jumps_in(np.array([170.0, -170, 170, 0, -180])) == 2
    lines = [[(0, 0), (180, 0)], [(-90, 0), (90, 0)], [(-91, 0), (90, 0)]]
    assert crossing(shapely.linestrings(lines)).tolist() == [False, False, True]


def test_of_a_long_side_the_way_is_not_clear() -> None:
    lines = shapely.linestrings([[(-140, 0), (130, 0)], [(-130, 0), (130, 0)]])
    assert written_on(lines)[1].tolist() == [False, True]


def test_the_middle_of_a_cut_object_is_where_it_is_cut() -> None:
    boxes = np.array([(-180.0, 0, 180, 1), (0, 0, 10, 1), (-180, 0, -170, 1)])
    assert middles(boxes).tolist() == [-180, 5, -175]
