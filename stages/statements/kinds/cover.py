"""Cover in tens of percent, as in "About 30 percent of the area is covered by grass".

``cover(C) = 30``: the areas that show C or a kind of C together cover between 25 and 35 percent of
the image.
"""

from __future__ import annotations

from collections.abc import Iterator

import shapely

from stages.statements.scene import Claim, Kind, Scene

_DOUBTFUL = 0.1
"""Percent: a share this near to the border between two tens is not stated."""


def _make(scene: Scene) -> Iterator[Claim]:
    for name in scene.names:
        things = tuple(thing for thing in scene.showing(name) if thing.is_area)
        union = shapely.union_all([thing.geometry for thing in things])
        percent = 100 * shapely.area(union) / (scene.width * scene.height)
        tens = round(percent / 10) * 10
        if tens == 0 or abs(percent - tens) > 5 - _DOUBTFUL:
            continue
        words = {"things": name.plural, "Things": name.plural.capitalize(), "percent": str(tens)}
        yield Claim(f"cover({name.name}) = {tens}", words, things)


def _holds(claim: Claim, scene: Scene) -> bool:
    """Measure what the areas leave of the image."""
    percent = int(claim.text.rpartition(" = ")[2])
    whole = shapely.box(0, 0, scene.width, scene.height)
    areas = shapely.union_all([thing.geometry for thing in claim.things])
    share = 100 * (1 - shapely.area(shapely.difference(whole, areas)) / shapely.area(whole))
    return bool(abs(share - percent) <= 5)


COVER = Kind(
    "cover",
    _make,
    _holds,
    (
        "{Things}: about {percent} percent of the image.",
        "About {percent} percent of the area is covered by {things}.",
    ),
)
