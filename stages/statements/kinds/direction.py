"""Directions, as in "The image shows a church north of a roundabout".

``direction(A, B) = north``: there are an A and a B such that the direction from the centre of B's
box to the centre of A's box is within 22.5 degrees of north, and A's box lies wholly north of B's.
For north-east, A's box lies wholly north and wholly east of B's. Lines are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stages.statements.claims import Claims, Kind, Said, name_both, named, pairs_of_things
from stages.statements.scenes import Bools, Ints, Scenes
from tag_vocab import Concept

DIRECTIONS = ("east", "northeast", "north", "northwest", "west", "southwest", "south", "southeast")
_SIDES = ("east", "north", "west", "south")
_SAYS = np.array([[side in direction for side in _SIDES] for direction in DIRECTIONS])


def _measure(claims: Claims, scenes: Scenes) -> tuple[Ints, Bools]:
    one, other = claims.pair
    right, down = (scenes.centre[one] - scenes.centre[other]).T
    turn = np.round(np.degrees(np.arctan2(-down, right)) / 45).astype(np.int64) % 8
    return turn, is_apart(scenes, one, other, turn)


def is_apart(scenes: Scenes, one: Ints, other: Ints, turn: Ints) -> Bools:
    """Tell whether one box lies wholly on the stated side of the other, or on both sides."""
    (west, north, east, south), (left, top, right, bottom) = scenes.box[one].T, scenes.box[other].T
    apart = np.column_stack([west > right, south < top, east < left, north > bottom])
    return np.asarray((apart | ~_SAYS[turn]).all(axis=1))


def directions_hold(claims: Claims, scenes: Scenes) -> Bools:
    """Project the way between the centres on the direction."""
    one, other = claims.pair
    x, y = (scenes.centre[one] - scenes.centre[other]).T
    angle = np.radians(45.0 * claims.value)
    along = (x * np.cos(angle) - y * np.sin(angle)) / np.hypot(x, y)
    near = along >= np.cos(np.radians(22.6))
    return np.asarray(near & is_apart(scenes, one, other, claims.value))


def _say(concepts: Sequence[Concept], turn: int) -> Said:
    direction, against = DIRECTIONS[turn], DIRECTIONS[(turn + 4) % 8]
    words = {"direction": direction, "Direction": direction.capitalize(), "wrong": against}
    return Said(f"direction({named(concepts)}) = {direction}", words | name_both(*concepts))


_PHRASINGS = ("{A} can be seen {direction} of {b}.", "The image shows {a} {direction} of {b}.")
DIRECTION = Kind("direction", pairs_of_things, directions_hold, _say, _PHRASINGS, measure=_measure)
