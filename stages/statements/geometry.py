"""How things lie to each other, told for many pairs of an image at once."""

from __future__ import annotations

import numpy as np
import shapely

from stages.statements.scenes import Bools, Floats, Geometries, Groups, Ints, Scenes, pairs_within

NEAR = 3.0
"""Pixels: things that are nearer touch, as far as an image shows it."""
_TOLERANCE = 0.01
_MOST_OFF = 4.9
"""Percent: nearer to the border between two tens, a share is not stated."""


def lie_inside(scenes: Scenes, one: Ints, other: Ints) -> Bools:
    """Tell whether the first of each pair lies within the second, an area."""
    (left, top, right, bottom), (west, north, east, south) = scenes.box[one].T, scenes.box[other].T
    inside = (left > west - 1) & (top > north - 1) & (right < east + 1) & (bottom < south + 1)
    boxed = np.flatnonzero(inside)
    inside[boxed] = _cover(scenes.geometry, other[boxed], scenes.geometry[one[boxed]])
    rest = boxed[~inside[boxed]]  # some stick out by less than the tolerance
    around, of = np.unique(other[rest], return_inverse=True)
    wider = shapely.buffer(scenes.geometry[around], _TOLERANCE)
    inside[rest] = _cover(wider, of, scenes.geometry[one[rest]])
    return np.asarray(inside)


def _cover(geometries: Geometries, these: Ints, others: Geometries) -> Bools:
    """Tell whether these of the geometries cover the others, one by one."""
    used, of = np.unique(these, return_inverse=True)
    prepared = geometries[used]
    shapely.prepare(prepared)
    return np.asarray(shapely.covers(prepared[of], others))


def are_beside(scenes: Scenes, one: Ints, other: Ints) -> Bools:
    """Tell whether the areas of each pair are near and share less than a hundredth of either."""
    (left, top, right, bottom), (west, north, east, south) = scenes.box[one].T, scenes.box[other].T
    across, down = np.maximum(west - right, left - east), np.maximum(north - bottom, top - south)
    near = np.maximum(across, down) <= NEAR
    first, second = scenes.geometry[one[near]], scenes.geometry[other[near]]
    found = shapely.distance(first, second) <= NEAR
    most = 0.01 * np.minimum(scenes.area[one], scenes.area[other])[near]
    doubt = found & (most_shared(scenes, one[near], other[near]) >= most)
    found[doubt] = _shared(first[doubt], second[doubt]) < most[doubt]
    near[near] = found
    return np.asarray(near)


def most_shared(scenes: Scenes, one: Ints, other: Ints) -> Floats:
    """Give the most area that each pair can share: what their boxes share."""
    (left, top, right, bottom), (west, north, east, south) = scenes.box[one].T, scenes.box[other].T
    across = np.minimum(right, east) - np.maximum(left, west)
    down = np.minimum(bottom, south) - np.maximum(top, north)
    return np.asarray(np.maximum(across, 0) * np.maximum(down, 0))


def in_tens(share: Floats) -> tuple[Ints, Bools]:
    """Give shares in tens of percent, and whether they are far from the border between two."""
    tens = np.round(10 * share).astype(np.int64) * 10
    return tens, abs(100 * share - tens) <= _MOST_OFF


def shared_by_boxes(scenes: Scenes, groups: Groups) -> Floats:
    """Give the most area that the pairs of each group can share, by their boxes."""
    one, other, group = _pairs(scenes, groups)
    shared = most_shared(scenes, one, other)
    return np.bincount(group, shared, len(groups.keys)).astype(np.float64)


def shared_by_pairs(scenes: Scenes, groups: Groups) -> Floats:
    """Give the area that the pairs of each group share: its areas cover their sum less this."""
    one, other, group = _pairs(scenes, groups)
    shared = _shared(scenes.geometry[one], scenes.geometry[other])
    return np.bincount(group, shared, len(groups.keys)).astype(np.float64)


def _shared(one: Geometries, other: Geometries) -> Floats:
    """Give the area that each pair shares; most only touch, which is found sooner."""
    shared = np.zeros(len(one))
    some = np.flatnonzero(shapely.intersects(one, other))
    some = some[~shapely.touches(one[some], other[some])]
    shared[some] = shapely.area(shapely.intersection(one[some], other[some]))
    return shared


def _pairs(scenes: Scenes, groups: Groups) -> tuple[Ints, Ints, Ints]:
    """Give the pairs of each group whose boxes share an area, and the number of the group."""
    one, other = scenes.meeting
    pair, group = pairs_within(groups, one, other)
    one, other = one[pair], other[pair]
    some = most_shared(scenes, one, other) > 0
    return one[some], other[some], group[some]
