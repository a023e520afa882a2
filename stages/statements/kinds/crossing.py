"""Crossings, as in "The image shows a footpath that crosses a stream".

``crosses(A, B)``: there are lines A and B whose inner parts meet, and in single points only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from stages.statements.claims import Claims, Kind, Said, name_both, named, of_pairs, pairs_of
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept

_MOST = 24


def _make(scenes: Scenes) -> Claims:
    line = scenes.dimensions == 1
    one, other = pairs_of(scenes, line, line, _MOST)
    once = scenes.object[one] < scenes.object[other]
    one, other = one[once], other[once]
    found = np.flatnonzero(shapely.crosses(scenes.geometry[one], scenes.geometry[other]))
    return of_pairs(scenes, one[found], other[found], np.zeros(len(found), np.int64))


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Look for a common point that is an end of neither line, and for no common stretch."""
    one, other = (scenes.geometry[side] for side in claims.pair)
    common = shapely.intersection(one, other)
    ends = shapely.union(shapely.boundary(one), shapely.boundary(other))
    inner = ~shapely.is_empty(shapely.difference(common, ends))
    return np.asarray(inner & (shapely.get_dimensions(common) == 0))


def _say(concepts: Sequence[Concept], value: int) -> Said:  # noqa: ARG001 - one way to cross
    return Said(f"crosses({named(concepts)})", name_both(*concepts))


_PHRASINGS = ("{A} crosses {b}.", "The image shows {a} that crosses {b}.")
CROSSING = Kind("crossing", _make, _holds, _say, _PHRASINGS)
