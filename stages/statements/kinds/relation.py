"""Adjacency and containment: "The image shows a playground in a park".

``inside(A, B)``: there are an A and an area B such that A's part in the image lies within B's.
``beside(A, B)``: there are areas A and B that are at most three pixels apart, and share less than a
hundredth of the smaller one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from stages.statements.claims import Claims, Kind, Said, name_both, named, of_pairs, pairs_of
from stages.statements.geometry import NEAR, are_beside, lie_inside
from stages.statements.scenes import Bools, Scenes, once
from tag_vocab import Concept

INSIDE, BESIDE = range(2)
RELATIONS = (("inside", "in"), ("beside", "next to"))
_MOST = 24


@once
def _make(scenes: Scenes) -> Claims:
    area = scenes.dimensions == 2
    one, other = pairs_of(scenes, (scenes.rank < _MOST) & (scenes.dimensions != 1), area, _MOST)
    inside = lie_inside(scenes, one, other)
    both = ~inside & area[one] & (scenes.object[one] < scenes.object[other])
    both[both] = are_beside(scenes, one[both], other[both])
    kept = inside | both
    return of_pairs(scenes, one[kept], other[kept], np.where(inside, INSIDE, BESIDE)[kept])


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Look for a part that sticks out, and for a gap that is too wide."""
    one, other = (scenes.geometry[side] for side in claims.pair)
    right = shapely.dwithin(one, other, NEAR)
    out = (claims.value == INSIDE) & ~shapely.is_empty(shapely.difference(one, other))
    wider = shapely.union(one[out], other[out])
    right[out] = shapely.hausdorff_distance(wider, other[out]) <= 1
    return np.asarray(right)


def _say(concepts: Sequence[Concept], value: int) -> Said:
    relation, said = RELATIONS[value]
    words = {**name_both(*concepts), "relation": said}
    return Said(f"{relation}({named(concepts)})", words)


_PHRASINGS = ("{A} can be seen {relation} {b}.", "The image shows {a} {relation} {b}.")
RELATION = Kind("relation", _make, _holds, _say, _PHRASINGS)
