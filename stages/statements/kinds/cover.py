"""Cover in tens of percent, as in "About 30 percent of the area is covered by grass".

``cover(C) = 30``: areas that show C or a kind of C cover 25 to 35 percent of the image, which lies
within the extract and shows nothing that may be C by a more general name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from stages.statements.claims import Claims, Kind, Said, named, of_groups
from stages.statements.geometry import area_shared, free_area, in_tens, least_area, most_shared
from stages.statements.scenes import Bools, Floats, Scenes, once
from tag_vocab import Concept


@once
def _make(scenes: Scenes) -> Claims:
    """Sum the areas; where it depends on what the things of a group share, unite them."""
    groups, whole = scenes.areas, scenes.pixels[scenes.areas.image]
    area, least = groups.total(scenes.area), least_area(scenes, groups, most_shared)
    (tens, clear), (fewer, also) = in_tens(area / whole), in_tens(least / whole)
    unsure = (area >= 0.05 * whole) & (least < area) & ~(clear & also & (tens == fewer))
    for group in np.flatnonzero(unsure):
        shapes = scenes.geometry[groups.members(group)]
        area[group] = shapely.area(shapely.disjoint_subset_union_all(shapes))
    tens, clear = in_tens(area / whole)
    return of_groups(scenes, groups, tens).take(np.flatnonzero(clear & (tens > 0)))


@once
def _percent(scenes: Scenes) -> Floats:
    """Give the least and the most that each group covers; if need be, by what it leaves."""
    groups, whole = scenes.areas, scenes.pixels[scenes.areas.image]
    least, most = least_area(scenes, groups, area_shared), groups.total(scenes.area)
    percent = 100 * np.column_stack([least, most]) / whole[:, None]
    for row in np.flatnonzero(np.diff(np.round(percent / 10)).ravel()):
        percent[row] = 100 - 100 * free_area(scenes, groups, row) / whole[row]
    return np.asarray(percent)


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    row = np.searchsorted(scenes.areas.keys, scenes.keys(claims.image, claims.one))
    return np.asarray(abs(_percent(scenes)[row].T - claims.value).max(axis=0) <= 5)


def _say(concepts: Sequence[Concept], tens: int) -> Said:
    things = concepts[0].plural
    words = {"things": things, "Things": things.capitalize(), "percent": str(tens)}
    return Said(f"cover({named(concepts)}) = {tens}", words)


_PHRASINGS = (
    "{Things}: about {percent} percent of the image.",
    "About {percent} percent of the area is covered by {things}.",
)
COVER = Kind("cover", _make, _holds, _say, _PHRASINGS)
