"""Negatives with a wrong relation: "A park can be seen in a playground".

``inside(B, A)``, false: the only A lies within the only B, which is at least 1.2 times as large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from stages.statements.claims import Claims, Said, named
from stages.statements.geometry import lie_inside
from stages.statements.kinds.ask_direction import single
from stages.statements.kinds.relation import INSIDE, RELATION
from stages.statements.scenes import Bools, Ints, Scenes, once
from tag_vocab import Concept

_TIMES = 1.2


@once
def _make(scenes: Scenes) -> Claims:
    claims = single(RELATION.make(scenes), scenes)
    one, other = claims.pair
    larger = scenes.area[other] >= _TIMES * scenes.area[one]
    claims = claims.take(np.flatnonzero(larger & (scenes.dimensions[one] == 2)))
    return claims.take(np.flatnonzero(lie_inside(scenes, *claims.pair)))


def _measure(claims: Claims, scenes: Scenes) -> tuple[Ints, Bools]:  # noqa: ARG001 - all are true
    return np.full(len(claims.value), INSIDE), np.ones(len(claims.value), bool)


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Tell whether the true relation holds, and whether the first is too small for the second."""
    one, other = (shapely.area(scenes.geometry[side]) for side in claims.pair)
    return np.asarray((other - one > 0.1 * other) & RELATION.holds(claims, scenes))


def _say(concepts: Sequence[Concept], value: int) -> Said:
    _, words = RELATION.say(concepts, value)
    return Said(f"inside({named(concepts[::-1])})", words)


NOT_RELATION = replace(
    RELATION,
    name="not_relation",
    role="negative",
    make=_make,
    holds=_holds,
    say=_say,
    measure=_measure,
    phrasings=("{B} can be seen in {a}.", "The image shows {b} in {a}."),
    seconds=("{A} can be seen in {b}.", "The image shows {a} in {b}."),
)
