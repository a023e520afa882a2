"""Cover in tens of percent, as in "About 30 percent of the area is covered by grass".

``cover(C) = 30``: areas that show C or a kind of C cover 25 to 35 percent of the image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from stages.statements.claims import Claims, Kind, Said, of_groups
from stages.statements.geometry import in_tens, shared_by_boxes, shared_by_pairs
from stages.statements.scenes import Bools, Groups, Scenes, once
from tag_vocab import Concept


@once
def _make(scenes: Scenes) -> Claims:
    """Sum the areas; where it depends on what the things of a group share, unite them."""
    groups = scenes.areas
    whole = (scenes.width * scenes.height)[groups.keys // len(scenes.concepts.all)]
    area, shared = groups.total(scenes.area), shared_by_boxes(scenes, groups)
    (tens, clear), (least, also) = in_tens(area / whole), in_tens((area - shared) / whole)
    unsure = (area >= 0.05 * whole) & (shared > 0) & ~(clear & also & (tens == least))
    for group in np.flatnonzero(unsure):
        union = shapely.disjoint_subset_union_all(scenes.geometry[groups.members(group)])
        area[group] = shapely.area(union)
    tens, clear = in_tens(area / whole)
    return of_groups(scenes, groups, tens).take(np.flatnonzero(clear & (tens > 0)))


def covers_hold(claims: Claims, scenes: Scenes) -> Bools:
    """Tell it from the areas and what they share; if that is not enough, from what they leave."""
    whole, groups = scenes.frames[claims.image], Groups(claims.image, claims.things, claims.sizes)
    most = groups.total(scenes.area)
    least = most - shared_by_pairs(scenes, groups)
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
