"""A known shift between a picture and its outlines is found, and nothing where there is none."""

import math

import numpy as np
import pytest

from skyscript.match.confidence import Peak, probability, share_near_peak
from skyscript.match.correlation import (
    EVEN,
    FEW_EDGES,
    NO_EDGES,
    TOO_COARSE,
    Agreement,
    agreement,
)
from skyscript.match.edge_lines import Pieces
from tests.skyscript.match.pictures import houses, moved, picture, ring, together

SIDE, GSD = 224, 0.4
SHAPES = list(houses(SIDE))
MAP = together(*(ring(*shape) for shape in SHAPES))
IMAGE = picture(SIDE, SHAPES)


@pytest.mark.parametrize("metres", [(0, 0), (9, -9), (-6.3, 2.2), (0.5, 8.8)])
def test_a_known_shift_is_found_to_a_tenth_of_a_metre(metres):
    right, down = (metre / GSD for metre in metres)
    found = agreement(IMAGE, moved(MAP, right, down), GSD, 10)
    assert isinstance(found, Agreement)
    assert math.hypot(found.right + right, found.down + down) * GSD < 0.1
    assert found.confidence > 0.9


def test_outlines_of_another_place_match_less_and_are_not_sure():
    other = together(*(ring(*shape) for shape in houses(SIDE, seed=11)))
    right, wrong = agreement(IMAGE, MAP, GSD, 10), agreement(IMAGE, other, GSD, 10)
    assert isinstance(right, Agreement)
    assert isinstance(wrong, Agreement)
    assert right.match > 2 * wrong.match
    assert wrong.confidence < 0.2 < 0.9 < right.confidence


def test_dark_roofs_match_as_well_as_bright_ones():
    dark = agreement(255 - IMAGE, moved(MAP, 5, -7), GSD, 10)
    assert isinstance(dark, Agreement)
    assert (dark.right, dark.down) == pytest.approx((-5, 7), abs=0.3)


def test_an_edge_in_another_direction_does_not_count():
    stripes = np.zeros((SIDE, SIDE, 3), np.uint8)
    stripes[:, ::40] = stripes[:, 1::40] = 200
    upright = Pieces(np.array([[x, 0, x, SIDE] for x in range(0, SIDE, 40)], float), np.zeros(6))
    level = Pieces(upright.ends[:, [1, 0, 3, 2]], upright.width)
    along, across = (agreement(stripes, lines, GSD, 5) for lines in (upright, level))
    assert isinstance(along, Agreement)
    assert isinstance(across, Agreement)
    assert along.match > 0.3
    assert across.match < 0


def test_one_straight_road_tells_only_the_shift_across_it():
    road = picture(SIDE, [np.array([[0, 105], [SIDE, 105], [SIDE, 119], [0, 119]], float)])
    found = agreement(road, Pieces(np.array([[-90, 122, 320, 122.0]]), np.array([5.6])), GSD, 10)
    assert isinstance(found, Agreement)
    assert found.down == pytest.approx(-10, abs=0.5)
    assert found.confidence < 0.5


def test_an_image_is_reduced_and_the_shift_is_in_its_own_pixels():
    side = 900
    shapes = [np.array(shape) * 4 for shape in houses(side / 4)]
    map_ = together(*(ring(*shape) for shape in shapes))
    found = agreement(picture(side, shapes), moved(map_, 31, -44), 0.1, 10)
    assert isinstance(found, Agreement)
    assert (found.right, found.down) == pytest.approx((-31, 44), abs=1.5)
    inside = sum(
        math.dist(a, b) * 0.1 for s in shapes for a, b in zip(s, np.roll(s, -1, 0), strict=True)
    )
    assert 0.7 * inside < found.length < inside


@pytest.mark.parametrize(
    ("rgb", "pieces", "gsd", "reason"),
    [
        (IMAGE, Pieces.none(), GSD, NO_EDGES),
        (IMAGE, moved(MAP, 5000, 0), GSD, NO_EDGES),
        (IMAGE, ring((10, 10), (13, 10), (13, 13)), GSD, FEW_EDGES),
        (IMAGE, MAP, 10.0, TOO_COARSE),
        (np.full_like(IMAGE, 90), MAP, GSD, EVEN),
    ],
)
def test_where_there_is_nothing_to_match_a_reason_is_given(rgb, pieces, gsd, reason):
    assert agreement(rgb, pieces, gsd, 10) == reason


def test_a_peak_that_stands_out_more_is_more_sure():
    values = [probability(Peak(0.2, 8.0, alone)) for alone in (0, 0.2, 0.5, 0.9, 1)]
    assert values == sorted(values)
    assert 0 <= values[0] < 0.3 < 0.8 < values[-1] <= 1


def surface(*peaks: tuple[int, int, float]) -> np.ndarray:
    """Give correlations around 0 with a deviation of 1, and some peaks: row, column and height."""
    values = np.zeros((41, 41), np.float32)
    for row, column, height in peaks:
        values[row, column] = height
    return values


def test_another_peak_as_high_takes_half_of_the_probability():
    one, two = surface((20, 20, 6)), surface((20, 20, 6), (20, 35, 6))
    near, far = surface((20, 20, 6), (20, 21, 6)), surface((20, 20, 6), (20, 35, 3))
    alone = [share_near_peak(values, 1, 0.5, 1.0) for values in (one, two, near, far)]
    assert alone == pytest.approx([1, 0.5, 1, 1], abs=0.01)


def test_a_ridge_of_a_straight_road_leaves_little_near_the_peak():
    ridge = np.zeros((41, 41), np.float32)
    ridge[20], ridge[20, 20] = 6, 6.01
    assert share_near_peak(ridge, 1, 0.5, 1.0) == pytest.approx(5 / 41, rel=0.05)


def test_a_coarse_peak_is_compared_between_its_pixels():
    rows, columns = np.mgrid[:9, :9]
    wide = 6 - ((rows - 4) ** 2 + (columns - 4.5) ** 2).astype(np.float32) / 16  # 2.5 m a pixel
    assert share_near_peak(wide, 1, 2.5, 1.25) < share_near_peak(wide, 1, 2.5, 5) < 0.9
    assert share_near_peak(wide, 1, 2.5, 30) == pytest.approx(1)
