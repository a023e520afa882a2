"""A raster of boxes names all boxes that meet one of its own, and few others."""

import numpy as np
import pytest

from skyscript.geo.box_raster import BoxRaster


def boxes_of(draw, count, size):
    corner = draw.uniform(-10, 10, (count, 2))
    return np.column_stack([corner, corner + draw.uniform(0, size, (count, 2))])


@pytest.mark.parametrize("count", [1, 40])
def test_no_box_that_meets_one_is_left_out(count):
    draw = np.random.default_rng(count)
    own, others = boxes_of(draw, count, 0.5), boxes_of(draw, 3000, 0.5)
    others[:count] = own[:, [2, 3, 2, 3]] + [0, 0, 0.1, 0.1]  # these only touch a corner
    meet = np.zeros(len(others), bool)
    for box in own:
        meet |= (others[:, :2] <= box[2:]).all(axis=1) & (others[:, 2:] >= box[:2]).all(axis=1)
    found = BoxRaster(own).may_meet(others)
    assert set(np.flatnonzero(meet)) <= set(found)
    assert len(found) < meet.sum() + 0.1 * len(others)


def test_a_point_is_a_box_too():
    raster = BoxRaster(np.array([[5.0, 5.0, 5.0, 5.0]]))
    others = np.array([[5.0, 5.0, 5.0, 5.0], [4.0, 4.0, 6.0, 6.0], [6.0, 6.0, 7.0, 7.0]])
    assert {0, 1} <= set(raster.may_meet(others))
