"""Referring expressions, as in "the northernmost tennis court": exactly one thing is meant.

``only(C)``: no other C. ``northernmost(C)``: the centre and the north side of its box are both a
twentieth of the image north of those of any other C. ``largest(C)``: its area is 1.3 times that of
any other C. Of areas whose number is known (see ``count``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stages.statements.claims import Claims, Kind, Said, of_things
from stages.statements.geometry import outermost
from stages.statements.kinds.count import countable
from stages.statements.kinds.region import framed
from stages.statements.scenes import Bools, Floats, Groups, Ints, Scenes
from tag_vocab import Concept

_HOW = ("only", "easternmost", "westernmost", "southernmost", "northernmost", "largest")


def _make(scenes: Scenes) -> Claims:
    known, fit = countable(scenes), np.isin(np.arange(len(scenes.image)), framed(scenes))
    groups, found = scenes.group(known.keys[known.none(scenes.dimensions != 2)]), []
    for how, scores in enumerate(zip(*outermost(scenes), strict=True)):
        (first, lead), (farthest, reach) = (_leader(groups, score) for score in scores)
        apart = (first == farthest) & (np.minimum(lead, reach) >= 1)
        ahead = fit[first] & np.where(groups.sizes == 1, how == 0, apart)
        claims = of_things(scenes, first[ahead], np.full(np.count_nonzero(ahead), how))
        found.append(claims._replace(one=groups.keys[ahead] % len(scenes.concepts.all)))
    return Claims.join(found)


def _leader(groups: Groups, score: Floats) -> tuple[Ints, Floats]:
    """Give the thing of each group that scores most, and by how much it leads."""
    order, ends = np.lexsort((score[groups.things], groups.of)), np.cumsum(groups.sizes)
    order = groups.things[order]
    first, second = order[ends - 1], order[ends - np.minimum(groups.sizes, 2)]
    return first, score[first] - score[second]


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Compare the thing with each other one of its image that is of its kind."""
    claim, rival = scenes.all_things(claims.image)
    kind = scenes.concepts.shows[scenes.listed[rival], claims.one[claim]]
    claim, rival = (side[kind & (rival != claims.things[claim])] for side in (claim, rival))
    how, meant = claims.value[claim], claims.things[claim]
    behind = np.minimum(*(one[how, meant] - one[how, rival] for one in outermost(scenes))) < 1
    number, lost = (np.bincount(one, minlength=len(claims.image)) for one in (claim, claim[behind]))
    return np.asarray((lost == 0) & ((claims.value == 0) == (number == 0)))


def _say(concepts: Sequence[Concept], how: int) -> Said:
    name = concepts[0].name
    return Said(f"{_HOW[how]}({name})", {"how": _HOW[how], "name": name})


REFERRING = Kind("referring", _make, _holds, _say, ("the {how} {name}", "{how} {name}"))
