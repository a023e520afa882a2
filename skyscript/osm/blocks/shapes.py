"""Writes lines and simple polygons as WKB, compiled by numba, and finds those that are not simple.

Coordinates are integers of 1e-7 degrees, so that tests for crossing are exact. A ring is simple if
no two of its sides touch but neighbours at their corner. Whatever is near a doubt is not written
here.
"""

from __future__ import annotations

import numpy as np

from skyscript.osm.blocks.places import NOWHERE
from skyscript.osm.blocks.protobuf import Bytes, Ints, jit

LACKING, SHORT, LINE, POLYGON, DOUBTFUL = range(5)
"""What a way becomes: it lacks a place; it has fewer than two points; it is written as a line, or
as a polygon; or it shall be a polygon, and is written as the line that others must judge."""
LONGEST_SIMPLE = 300
"""Sides of a ring that is tested here, each against each."""
_FAR = 1 << 30
"""Units of 1e-7 degrees; differences up to it do not overflow when multiplied."""


@jit
def are_closed(ends: Ints, refs: Ints, places: Ints, closed: Bytes) -> None:
    """Say which ways end where they start: at the same node, or at another one in its place."""
    start = 0
    for way in range(len(ends)):
        end = ends[way]
        closed[way] = 0
        if end > start:
            is_same_place = (
                places[start, 0] != NOWHERE
                and places[start, 0] == places[end - 1, 0]
                and places[start, 1] == places[end - 1, 1]
            )
            closed[way] = refs[start] == refs[end - 1] or (end - start > 1 and is_same_place)
        start = end


@jit
def write_shapes(
    ends: Ints, places: Ints, is_area: Bytes, kinds: Bytes, boxes: Ints, wkb: Bytes, wkb_ends: Ints
) -> int:
    """Write each way's WKB (little endian) and box; give how many bytes were written.

    ``wkb`` has room for 32 bytes a way and 16 a point.
    """
    points = np.empty((len(places) + 1, 2), dtype=np.int64)
    start, at = 0, 0
    for way in range(len(ends)):
        total = _points(places, start, ends[way], points)
        start = ends[way]
        kinds[way] = LACKING
        if total >= 2:
            _box(points, total, boxes[way])
            kinds[way] = LINE
            turn = 0
            if is_area[way]:
                turn = _turn_if_simple(points, total, boxes[way])
                kinds[way] = POLYGON if turn else DOUBTFUL
            at = _write(points, total, turn, wkb, at)
        elif total >= 0:
            kinds[way] = SHORT
        wkb_ends[way] = at
    return at


@jit
def _points(places: Ints, start: int, end: int, points: Ints) -> int:
    """Copy places without immediate repeats; give how many, or -1 if one is missing."""
    total = 0
    for row in range(start, end):
        x, y = np.int64(places[row, 0]), np.int64(places[row, 1])
        if x == NOWHERE:
            return -1
        if total == 0 or x != points[total - 1, 0] or y != points[total - 1, 1]:
            points[total, 0] = x
            points[total, 1] = y
            total += 1
    return total


@jit
def _box(points: Ints, total: int, box: Ints) -> None:
    box[0] = box[2] = points[0, 0]
    box[1] = box[3] = points[0, 1]
    for row in range(1, total):
        box[0] = min(box[0], points[row, 0])
        box[1] = min(box[1], points[row, 1])
        box[2] = max(box[2], points[row, 0])
        box[3] = max(box[3], points[row, 1])


@jit
def _side(points: Ints, a: int, b: int, c: int) -> int:
    """Give on which side of the line from a to b the point c lies: 1 left, -1 right, 0 if near."""
    ax, ay = points[a, 0], points[a, 1]
    dx, dy = points[b, 0] - ax, points[b, 1] - ay
    ex, ey = points[c, 0] - ax, points[c, 1] - ay
    cross = dx * ey - dy * ex
    # Rounding of the coordinates as floats moves a point by less than a thousandth of this.
    near = (abs(dx) + abs(dy) + abs(ex) + abs(ey)) >> 12
    if cross > near:
        return 1
    if cross < -near:
        return -1
    return 0


@jit
def _turn_if_simple(points: Ints, total: int, box: Ints) -> int:
    """Give 1 for a simple ring that turns left, -1 to the right, 0 for any other one."""
    sides = total - 1
    if sides < 3 or sides > LONGEST_SIMPLE:
        return 0
    if box[2] - box[0] > _FAR or box[3] - box[1] > _FAR:
        return 0
    area = 0.0
    for i in range(sides):
        after = i + 2 if i + 2 < total else 1
        if _side(points, i, i + 1, after) == 0 and _goes_back(points, i, after):
            return 0
        area += np.float64(points[i, 0] - box[0]) * np.float64(points[i + 1, 1] - box[1])
        area -= np.float64(points[i + 1, 0] - box[0]) * np.float64(points[i, 1] - box[1])
        for j in range(i + 2, sides):
            if i == 0 and j == sides - 1:
                continue
            if _may_meet(points, i, j):
                return 0
    return 1 if area > 1e3 else (-1 if area < -1e3 else 0)


@jit
def _goes_back(points: Ints, i: int, after: int) -> bool:
    """Say whether a side that is nearly straight on turns back on itself."""
    dx, dy = points[i + 1, 0] - points[i, 0], points[i + 1, 1] - points[i, 1]
    ex, ey = points[after, 0] - points[i + 1, 0], points[after, 1] - points[i + 1, 1]
    return bool(dx * ex + dy * ey <= 0)


@jit
def _may_meet(points: Ints, i: int, j: int) -> bool:
    """Say whether two sides cross, touch, or are too near to tell."""
    for axis in range(2):
        if max(points[i, axis], points[i + 1, axis]) < min(points[j, axis], points[j + 1, axis]):
            return False
        if max(points[j, axis], points[j + 1, axis]) < min(points[i, axis], points[i + 1, axis]):
            return False
    one, other = _side(points, i, i + 1, j), _side(points, i, i + 1, j + 1)
    if one != 0 and one == other:
        return False
    one, other = _side(points, j, j + 1, i), _side(points, j, j + 1, i + 1)
    return one == 0 or one != other


@jit
def _write(points: Ints, total: int, turn: int, wkb: Bytes, at: int) -> int:
    """Write a line (turn 0) or a polygon, whose outline turns left."""
    wkb[at] = 1
    at = _write_int(3 if turn else 2, wkb, at + 1)
    if turn:
        at = _write_int(1, wkb, at)
    at = _write_int(total, wkb, at)
    number = np.empty(2, dtype=np.float64)
    octets = number.view(np.uint8)
    for row in range(total):
        source = total - 1 - row if turn < 0 else row
        number[0] = points[source, 0] / 1e7
        number[1] = points[source, 1] / 1e7
        for byte in range(16):
            wkb[at + byte] = octets[byte]
        at += 16
    return at


@jit
def _write_int(value: int, wkb: Bytes, at: int) -> int:
    for byte in range(4):
        wkb[at + byte] = (value >> (8 * byte)) & 255
    return at + 4
