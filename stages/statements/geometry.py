"""How things lie to each other, told for many pairs of an image at once."""

from __future__ import annotations

import numpy as np
import shapely

from stages.statements.scenes import Bools, Ints, Scenes

NEAR = 3.0
"""Pixels: things that are nearer touch, as far as an image shows it."""
_TOLERANCE = 0.01


def lie_inside(scenes: Scenes, one: Ints, other: Ints) -> Bools:
    """Tell whether the first of each pair lies within the second, an area."""
    (left, top, right, bottom), (west, north, east, south) = scenes.box[one].T, scenes.box[other].T
    inside = (left > west - 1) & (top > north - 1) & (right < east + 1) & (bottom < south + 1)
    around, of = np.unique(other[inside], return_inverse=True)
    wider = shapely.buffer(scenes.geometry[around], _TOLERANCE)
    shapely.prepare(wider)
    inside[inside] = shapely.covers(wider[of], scenes.geometry[one[inside]])
    return np.asarray(inside)


def are_beside(scenes: Scenes, one: Ints, other: Ints) -> Bools:
    """Tell whether the areas of each pair are near and share less than a hundredth of either."""
    (left, top, right, bottom), (west, north, east, south) = scenes.box[one].T, scenes.box[other].T
    across, down = np.maximum(west - right, left - east), np.maximum(north - bottom, top - south)
    near = np.maximum(across, down) <= NEAR
    first, second = scenes.geometry[one[near]], scenes.geometry[other[near]]
    found = shapely.distance(first, second) <= NEAR
    shared = shapely.area(shapely.intersection(first[found], second[found]))
    least = np.minimum(scenes.area[one], scenes.area[other])[near][found]
    found[found] = shared < 0.01 * least
    near[near] = found
    return np.asarray(near)
