"""Questions on containment: "Is the playground in the park?" and "Yes".

``inside(A, B) = yes``: the only A, an area, lies within the only B, which is at least 1.2 times as
large. ``no``: it is the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stages.statements.claims import Claims, Kind, Said, name_both, named, of_pairs
from stages.statements.kinds.not_relation import NOT_RELATION
from stages.statements.scenes import Bools, Ints, Scenes
from tag_vocab import Concept

_ANSWERS = ("no", "yes")


def _make(scenes: Scenes) -> Claims:
    """Ask of each pair of `not_relation` both ways."""
    one, other = NOT_RELATION.make(scenes).pair
    ways = ((one, other, 1), (other, one, 0))
    return Claims.join([of_pairs(scenes, a, b, np.full(len(a), yes)) for a, b, yes in ways])


def _as_true(claims: Claims) -> tuple[Ints, Ints]:
    """Give the inner and the outer thing of each claim."""
    one, other = claims.pair
    yes = claims.value == 1
    return np.where(yes, one, other), np.where(yes, other, one)


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Check the negative that each question turns round."""
    inner, outer = _as_true(claims)
    return NOT_RELATION.holds(of_pairs(scenes, inner, outer, np.zeros_like(inner)), scenes)


def _say(concepts: Sequence[Concept], value: int) -> Said:
    answer = _ANSWERS[value]
    words = name_both(*concepts) | {"Answer": answer.capitalize()}
    return Said(f"inside({named(concepts)}) = {answer}", words)


_PHRASINGS = ("{Is} the {one} in the {other}?", "{Does} the {one} lie in the {other}?")
ASK_INSIDE = Kind("ask_inside", _make, _holds, _say, _PHRASINGS, "question", ("{Answer}.",) * 2)
