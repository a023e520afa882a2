"""Referring expressions, as in "the northernmost tennis court": exactly one thing is meant.

``only(C)``: no other C. ``northernmost(C)``: the centre of its box is a twentieth of the image
north of that of any other C, and none reaches farther north. ``largest(C)``: its area is 1.3 times
that of any other C. Of areas whose number is known (see ``count``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stages.statements.claims import Claims, Kind, Said, of_things
from stages.statements.geometry import outermost
from stages.statements.kinds.count import countable
from stages.statements.kinds.region import framed
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept

_HOW = ("only", "easternmost", "westernmost", "southernmost", "northernmost", "largest")


def _make(scenes: Scenes) -> Claims:
    known, fit = countable(scenes), np.isin(np.arange(len(scenes.image)), framed(scenes))
    groups = scenes.group(known.keys[known.none(scenes.dimensions != 2)])
    ends, found = np.cumsum(groups.sizes), []
    for how, (score, edge) in enumerate(zip(*outermost(scenes), strict=True)):
        order = groups.things[np.lexsort((score[groups.things], groups.of))]
        first, second = order[ends - 1], order[ends - np.minimum(groups.sizes, 2)]
        apart = score[first] - score[second] >= 1
        apart &= edge[first] >= np.maximum.reduceat(edge[groups.things], ends - groups.sizes)
        ahead = fit[first] & np.where(groups.sizes == 1, how == 0, apart)
        claims = of_things(scenes, first[ahead], np.full(np.count_nonzero(ahead), how))
        found.append(claims._replace(one=groups.keys[ahead] % len(scenes.concepts.all)))
    return Claims.join(found)


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Compare the thing with each other one of its image that is of its kind."""
    claim, rival = scenes.all_things(claims.image)
    kind = scenes.concepts.shows[scenes.listed[rival], claims.one[claim]]
    claim, rival = (side[kind & (rival != claims.things[claim])] for side in (claim, rival))
    (scores, edges), how, thing = outermost(scenes), claims.value[claim], claims.things[claim]
    behind = scores[how, thing] - scores[how, rival] < 1
    behind |= edges[how, thing] < edges[how, rival]
    number, lost = (np.bincount(one, minlength=len(claims.image)) for one in (claim, claim[behind]))
    return np.asarray((lost == 0) & ((claims.value == 0) == (number == 0)))


def _say(concepts: Sequence[Concept], how: int) -> Said:
    name = concepts[0].name
    return Said(f"{_HOW[how]}({name})", {"how": _HOW[how], "name": name})


REFERRING = Kind("referring", _make, _holds, _say, ("the {how} {name}", "{how} {name}"))
