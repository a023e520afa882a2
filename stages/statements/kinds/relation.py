"""Adjacency and containment: "The image shows a playground in a park".

``inside(A, B)``: there are an A and an area B such that A's part in the image lies within B's.
``beside(A, B)``: there are areas A and B that are at most three pixels apart, and share less than a
hundredth of the smaller one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from stages.statements.claims import Claims, Kind, Said, first_of, name_both, named, of_pairs
from stages.statements.geometry import are_beside, lie_in_boxes, lie_inside
from stages.statements.scenes import NEAR, Bools, Ints, Scenes, once
from tag_vocab import Concept

INSIDE, BESIDE = range(2)
_MOST = 24


@once
def _make(scenes: Scenes) -> Claims:
    """Give the pairs whose boxes let the first lie beside the second, or only in it."""
    area, first = scenes.dimensions == 2, (scenes.rank < _MOST) & (scenes.dimensions != 1)
    one, other = np.concatenate([scenes.near, scenes.near[::-1]], axis=1)
    value = np.where(area[one] & (scenes.object[one] < scenes.object[other]), BESIDE, INSIDE)
    kept = (value == BESIDE) | lie_in_boxes(scenes, one, other)
    kept &= first[one] & first_of(scenes, area, _MOST)[other]
    kept &= scenes.concepts.differ(scenes.name[one], scenes.name[other])
    return of_pairs(scenes, one[kept], other[kept], value[kept])


def _measure(claims: Claims, scenes: Scenes) -> tuple[Ints, Bools]:
    one, other = claims.pair
    inside = lie_inside(scenes, one, other)
    both = ~inside & (claims.value == BESIDE)
    both[both] = are_beside(scenes, one[both], other[both])
    return np.where(inside, INSIDE, BESIDE), inside | both


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Look for a part that sticks out of what does not cover it, and for a gap that is too wide."""
    one, other = (scenes.geometry[side] for side in claims.pair)
    inside, within = claims.value == INSIDE, shapely.covered_by(one, other)
    right = np.where(inside, within, shapely.dwithin(one, other, NEAR))
    out = inside & ~within
    right[out] = shapely.hausdorff_distance(shapely.union(one[out], other[out]), other[out]) <= 1
    return right


def _say(concepts: Sequence[Concept], value: int) -> Said:
    relation, said = (("inside", "in"), ("beside", "next to"))[value]
    return Said(f"{relation}({named(concepts)})", {**name_both(*concepts), "relation": said})


_PHRASINGS = ("{A} can be seen {relation} {b}.", "The image shows {a} {relation} {b}.")
RELATION = Kind("relation", _make, _holds, _say, _PHRASINGS, measure=_measure)
