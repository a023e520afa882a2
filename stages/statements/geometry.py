"""Measures how the things of an image are placed to each other, for many pairs in one call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely

from stages.statements.scenes import NEAR, Bools, Floats, Geometries, Groups, Ints, Scenes

_TOLERANCE = 0.01
_MOST_OFF = 4.9
"""Percent: nearer to the border between two tens, a share is not stated."""


def lie_inside(scenes: Scenes, one: Ints, other: Ints) -> Bools:
    """Tell whether the first of each pair lies within the second, an area."""
    inside = lie_in_boxes(scenes, one, other)
    inside &= scenes.dimensions[other] == 2
    boxed = np.flatnonzero(inside)
    inside[boxed] = _cover(scenes.geometry, other[boxed], scenes.geometry[one[boxed]])
    rest = boxed[~inside[boxed]]  # some stick out by less than the tolerance
    rest = rest[~_stick_out(scenes.geometry[one[rest]], scenes.geometry[other[rest]])]
    around, of = np.unique(other[rest], return_inverse=True)
    wider = shapely.buffer(scenes.geometry[around], _TOLERANCE)
    inside[rest] = _cover(wider, of, scenes.geometry[one[rest]])
    return np.asarray(inside)


def _stick_out(ones: Geometries, others: Geometries) -> Bools:
    """Tell of which pairs a vertex of the first is not within the tolerance of the second."""
    points, pair = shapely.get_coordinates(ones, return_index=True)
    out = np.flatnonzero(~shapely.intersects_xy(others[pair], *points.T))
    far = ~shapely.dwithin(others[pair[out]], shapely.points(points[out]), _TOLERANCE)
    return np.asarray(np.bincount(pair[out[far]], minlength=len(ones)) > 0)


def lie_in_boxes(scenes: Scenes, one: Ints, other: Ints) -> Bools:
    """Tell whether the box of the first of each pair lies within that of the second."""
    (left, top, right, bottom), (west, north, east, south) = scenes.box[one].T, scenes.box[other].T
    inside = (left > west - 1) & (top > north - 1) & (right < east + 1) & (bottom < south + 1)
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
    found[doubt] = _areas_shared(first[doubt], second[doubt]) < most[doubt]
    near[near] = found
    return np.asarray(near)


def outermost(scenes: Scenes) -> tuple[Floats, Floats]:
    """Give how far the centre of each thing lies to a side, and how far its box reaches there.

    Six rows each: none, east, west, south, north, and how large it is. One that leads does so by 1
    in both: a twentieth of the image, or 1.3 times the area.
    """
    none, size = np.zeros(len(scenes.area)), np.log(np.maximum(scenes.area, 1e-9)) / np.log(1.3)
    x, y = (scenes.centre / scenes.sides[scenes.image, :2] * 20).T
    left, top, right, bottom = (scenes.box / scenes.sides[scenes.image] * 20).T
    centre = np.stack([none, x, -x, y, -y, size])
    return centre, np.stack([none, right, -left, bottom, -top, size])


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


def least_area(
    scenes: Scenes, groups: Groups, shared: Callable[[Scenes, Ints, Ints], Floats]
) -> Floats:
    """Give the area that each group covers at least: the sum less what its pairs share."""
    (one, other), keys = scenes.overlaps
    group = np.searchsorted(groups.keys, keys)
    known = np.flatnonzero(np.append(groups.keys, -1)[group] == keys)
    less = np.bincount(group[known], shared(scenes, one[known], other[known]), len(groups.keys))
    return np.asarray(groups.total(scenes.area) - less)


def free_area(scenes: Scenes, groups: Groups, group: np.integer) -> float:
    """Give the area of its image that a group leaves free."""
    union = shapely.union_all(scenes.geometry[groups.members(group)])
    return float(shapely.area(shapely.difference(scenes.frames[groups.image[group]], union)))


def area_shared(scenes: Scenes, one: Ints, other: Ints) -> Floats:
    """Give the area that each pair shares."""
    return _areas_shared(scenes.geometry[one], scenes.geometry[other])


def _areas_shared(one: Geometries, other: Geometries) -> Floats:
    """Give the area that each pair shares; most only touch, which is found sooner."""
    shared = np.zeros(len(one))
    some = np.flatnonzero(shapely.intersects(one, other))
    some = some[~shapely.touches(one[some], other[some])]
    shared[some] = shapely.area(shapely.intersection(one[some], other[some]))
    return shared
