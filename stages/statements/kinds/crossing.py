"""Crossings, as in "The image shows a footpath that crosses a stream".

``crosses(A, B)``: there are lines A and B whose inner parts meet, and in single points only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from stages.statements.claims import Claims, Kind, Said, first_of, name_both, named, of_pairs
from stages.statements.scenes import Bools, Ints, Scenes
from tag_vocab import Concept

_MOST = 24


def _make(scenes: Scenes) -> Claims:
    """Give the pairs of lines whose boxes meet."""
    told = first_of(scenes, scenes.dimensions == 1, _MOST)
    one, other = scenes.meeting
    kept = told[one] & told[other] & scenes.concepts.differ(scenes.name[one], scenes.name[other])
    pair = np.column_stack([one, other])[kept]
    turned = scenes.object[pair[:, 0]] > scenes.object[pair[:, 1]]
    pair[turned] = pair[turned, ::-1]
    return of_pairs(scenes, pair[:, 0], pair[:, 1], np.zeros(len(pair), np.int64))


def _measure(claims: Claims, scenes: Scenes) -> tuple[Ints, Bools]:
    one, other = (scenes.geometry[side] for side in claims.pair)
    found = shapely.intersects(one, other)  # much sooner known
    found[found] = shapely.crosses(one[found], other[found])
    return claims.value, found


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Look for a common point that is an end of neither line, and for no common stretch."""
    one, other = (scenes.geometry[side] for side in claims.pair)
    common = shapely.intersection(one, other)
    ends = shapely.union(shapely.boundary(one), shapely.boundary(other))
    inner = ~shapely.is_empty(shapely.difference(common, ends))
    return np.asarray(inner & (shapely.get_dimensions(common) == 0))


def _say(concepts: Sequence[Concept], value: int) -> Said:  # noqa: ARG001 - one way to cross
    return Said(f"crosses({named(concepts)})", name_both(*concepts))


_PHRASINGS = ("{A} {crosses} {b}.", "The image shows {a} that {crosses} {b}.")
CROSSING = Kind("crossing", _make, _holds, _say, _PHRASINGS, measure=_measure)
