"""Cover in tens of percent, as in "About 30 percent of the area is covered by grass".

``cover(C) = 30``: areas that show C or a kind of C cover 25 to 35 percent of the image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from stages.statements.claims import Claims, Kind, Said, of_groups
from stages.statements.scenes import Bools, Groups, Scenes, once, pairs_within
from tag_vocab import Concept

_MOST_OFF = 4.9  # percent: nearer to the border between two tens, a share is not stated


@once
def _make(scenes: Scenes) -> Claims:
    groups = scenes.areas
    whole = (scenes.width * scenes.height)[groups.keys // len(scenes.concepts.all)]
    area = groups.total(scenes.area)
    for group in np.flatnonzero((area >= 0.05 * whole) & (groups.sizes > 1)):
        union = shapely.disjoint_subset_union_all(scenes.geometry[groups.members(group)])
        area[group] = shapely.area(union)
    tens = np.round(10 * area / whole).astype(np.int64) * 10
    kept = np.flatnonzero((tens > 0) & (abs(100 * area / whole - tens) <= _MOST_OFF))
    return of_groups(scenes, groups, tens).take(kept)


def covers_hold(claims: Claims, scenes: Scenes) -> Bools:
    """Tell it from the areas and what they share; if that is not enough, from what they leave."""
    whole = scenes.frames[claims.image]
    groups = Groups(claims.image, claims.things, claims.sizes)
    one, other = scenes.meeting
    pair, group = pairs_within(groups, one, other)
    shared = shapely.area(shapely.intersection(*scenes.geometry[[one[pair], other[pair]]]))
    most = groups.total(scenes.area)
    least = most - np.bincount(group, shared, len(most))
    percent = 100 * np.column_stack([least, most]) / shapely.area(whole)[:, None]
    for row in np.flatnonzero((abs(percent - claims.value[:, None]) > 5).any(axis=1)):
        areas = shapely.union_all(scenes.geometry[groups.members(row)])
        left = shapely.difference(whole[row], areas)
        percent[row] = 100 * (1 - shapely.area(left) / shapely.area(whole[row]))
    return np.asarray((abs(percent - claims.value[:, None]) <= 5).all(axis=1))


def _say(concepts: Sequence[Concept], tens: int) -> Said:
    (one,) = concepts
    words = {"things": one.plural, "Things": one.plural.capitalize(), "percent": str(tens)}
    return Said(f"cover({one.name}) = {tens}", words)


_PHRASINGS = (
    "{Things}: about {percent} percent of the image.",
    "About {percent} percent of the area is covered by {things}.",
)
COVER = Kind("cover", _make, covers_hold, _say, _PHRASINGS)
