"""Adjacency and containment: "The image shows a playground in a park".

``inside(A, B)``: there are an A and an area B such that A's part in the image lies within B's.
``beside(A, B)``: there are areas A and B that are at most three pixels apart, and share less than a
hundredth of the smaller one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import shapely

from stages.statements.scene import Claim, Kind, Scene, Thing, differ, name_both

_NEAR = 3.0
"""Pixels."""
_TOLERANCE = 0.01


def _make(scene: Scene) -> Iterator[Claim]:
    areas = [thing for thing in scene.things if thing.is_area]
    for one, other in itertools.product(scene.things[:24], areas[:24]):
        if one is other or one.is_line or not differ(one.name, other.name):
            continue
        if one.is_far_from(other, _NEAR):
            continue
        if one.may_lie_in(other) and shapely.covers(
            shapely.buffer(other.geometry, _TOLERANCE), one.geometry
        ):
            yield _claim("inside", "in", one, other)
        elif one.is_area and one.object_id < other.object_id and _beside(one, other):
            yield _claim("beside", "next to", one, other)


def _beside(one: Thing, other: Thing) -> bool:
    if shapely.distance(one.geometry, other.geometry) > _NEAR:
        return False
    shared = shapely.area(shapely.intersection(one.geometry, other.geometry))
    return bool(shared < 0.01 * min(shapely.area(one.geometry), shapely.area(other.geometry)))


def _claim(relation: str, said: str, one: Thing, other: Thing) -> Claim:
    words = {**name_both(one, other), "relation": said}
    return Claim(f"{relation}({one.name.name}, {other.name.name})", words, (one, other))


def _holds(claim: Claim, scene: Scene) -> bool:  # noqa: ARG001 - one signature for all kinds
    one, other = (thing.geometry for thing in claim.things)
    if claim.text.startswith("inside("):
        return bool(shapely.hausdorff_distance(shapely.union(one, other), other) <= _NEAR)
    near = shapely.dwithin(one, other, _NEAR)
    return bool(near and _beside(*claim.things))


_PHRASINGS = ("{A} can be seen {relation} {b}.", "The image shows {a} {relation} {b}.")
RELATION = Kind("relation", _make, _holds, _PHRASINGS)
