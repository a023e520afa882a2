"""Counts, as in "There are three tennis courts".

``count(C) = n``: n of the visible OSM objects show C or a kind of C. Stated only where the extract
is complete, of concepts whose things OSM draws one by one, and where no two of these objects
overlap (a thing that is drawn twice).
"""

from __future__ import annotations

from collections.abc import Iterator

import shapely

from skyscript.captions.object_names import is_counted, number_word
from stages.statements.scene import Claim, Kind, Scene, Thing


def _make(scene: Scene) -> Iterator[Claim]:
    for name in scene.names if scene.is_complete else ():
        things = scene.showing(name)
        if not is_counted(name) or _overlap(things) or any(thing.is_line for thing in things):
            continue
        number = len(things)
        said = f"one {name.name}" if number == 1 else f"{number_word(number)} {name.plural}"
        words = {"said": said, "are": "is" if number == 1 else "are", "Said": said.capitalize()}
        yield Claim(f"count({name.name}) = {number}", words, things)


def _overlap(things: tuple[Thing, ...]) -> bool:
    geometries = [thing.geometry for thing in things]
    tree = shapely.STRtree(geometries)
    for index, other in tree.query(geometries, predicate="intersects").T:
        if index < other and not shapely.touches(geometries[index], geometries[other]):
            return True
    return False


def _holds(claim: Claim, scene: Scene) -> bool:
    name, _, number = claim.text.removeprefix("count(").rpartition(") = ")
    shown = [
        thing.object_id
        for thing in scene.things
        if any(name in (one.name, *(each.name for each in one.ancestors)) for one in thing.concepts)
    ]
    return len(set(shown)) == int(number) == len(claim.things)


COUNT = Kind(
    "count",
    _make,
    _holds,
    (
        "There {are} {said}.",
        "{Said} {are} visible.",
        "The image shows {said}.",
    ),
)
