"""Directions, as in "The image shows a church north of a roundabout".

``direction(A, B) = north``: there are an A and a B such that the direction from the centre of B's
box to the centre of A's box is within 22.5 degrees of north, and A's box lies wholly north of B's.
For north-east, A's box lies wholly north and wholly east of B's. Lines are left out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from stages.statements.scene import Claim, Kind, Scene, Thing, differ, name_both

_DIRECTIONS = ("east", "northeast", "north", "northwest", "west", "southwest", "south", "southeast")


def _make(scene: Scene) -> Iterator[Claim]:
    things = [thing for thing in scene.things if not thing.is_line]
    for one, other in itertools.permutations(things[:12], 2):
        if not differ(one.name, other.name):
            continue
        (west, north, east, south), (left, top, right, bottom) = one.box, other.box
        right_by, up_by = (west + east - left - right) / 2, (top + bottom - north - south) / 2
        turn = round(math.degrees(math.atan2(up_by, right_by)) / 45) % 8
        direction = _DIRECTIONS[turn]
        if _is_apart(one, other, direction):
            text = f"direction({one.name.name}, {other.name.name}) = {direction}"
            yield Claim(text, {**name_both(one, other), "direction": direction}, (one, other))


def _is_apart(one: Thing, other: Thing, direction: str) -> bool:
    (west, north, east, south), (left, top, right, bottom) = one.box, other.box
    apart = {"east": west > right, "north": south < top, "west": east < left}
    apart |= {"south": north > bottom}
    return all(is_so for side, is_so in apart.items() if side in direction)


def _holds(claim: Claim, scene: Scene) -> bool:  # noqa: ARG001 - one signature for all kinds
    one, other = claim.things
    (west, north, east, south), (left, top, right, bottom) = one.box, other.box
    direction = claim.text.rpartition(" = ")[2]
    x, y = west + east - left - right, top + bottom - north - south
    angle = math.radians(45 * _DIRECTIONS.index(direction))
    along = (x * math.cos(angle) + y * math.sin(angle)) / math.hypot(x, y)
    return along >= math.cos(math.radians(22.6)) and _is_apart(one, other, direction)


_PHRASINGS = (
    "{A} can be seen {direction} of {b}.",
    "The image shows {a} {direction} of {b}.",
)
DIRECTION = Kind("direction", _make, _holds, _PHRASINGS)
