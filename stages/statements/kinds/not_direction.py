"""Negatives with the opposite direction: "A church can be seen south of a car park".

``direction(A, B) = south``, false: the only A lies north of the only B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stages.statements.claims import Claims, Said, named
from stages.statements.kinds.ask_direction import ASK_DIRECTION
from stages.statements.kinds.direction import DIRECTION, DIRECTIONS
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Tell whether the true direction holds, and the opposite one does not."""
    against = claims._replace(value=(claims.value + 4) % 8)
    return DIRECTION.holds(claims, scenes) & ~DIRECTION.holds(against, scenes)


def _say(concepts: Sequence[Concept], turn: int) -> Said:
    _, words = DIRECTION.say(concepts, turn)
    return Said(f"direction({named(concepts)}) = {DIRECTIONS[(turn + 4) % 8]}", words)


NOT_DIRECTION = replace(
    ASK_DIRECTION,
    name="not_direction",
    role="negative",
    holds=_holds,
    say=_say,
    phrasings=("{A} can be seen {wrong} of {b}.", "The image shows {a} {wrong} of {b}."),
    seconds=DIRECTION.phrasings,
)
