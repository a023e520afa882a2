"""Attributes, as in "The image shows a tennis court with clay surface".

``attribute(C, X)``: an object whose name is C has the attribute X: a surface, or a shape, covering,
colour or orientation of its roof. What has a roof is called a building: C is then the most specific
one that the object shows, even if other things name it, such as school grounds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from stages.statements.claims import Claims, Kind, Said, name_both, named, of_things
from stages.statements.scenes import Bools, Scenes, once
from tag_vocab import Concept, concept, is_a


@functools.cache
def _is_building(one: Concept) -> bool:
    return is_a(one, concept("building"))


@functools.cache
def _is_surface(one: Concept) -> bool:
    return is_a(one, concept("surface"))


@once
def _make(scenes: Scenes) -> Claims:
    lists, attributes = np.nonzero(scenes.concepts.attributes)
    order = np.argsort(scenes.listed, kind="stable")
    first, last = (np.searchsorted(scenes.listed[order], lists, side) for side in ("left", "right"))
    things = [order[start:end] for start, end in zip(first, last, strict=True)]
    other = np.repeat(attributes, last - first)
    found = np.concatenate([np.zeros(0, np.int64), *things])
    claims = of_things(scenes, found, np.zeros(len(found), np.int64))
    buildings = scenes.concepts.shows & scenes.concepts.those(_is_building)
    depth = np.where(buildings, scenes.concepts.is_a.sum(axis=1), 0)[scenes.listed[found]]
    on_roof = ~scenes.concepts.those(_is_surface)[other]
    one = np.where(on_roof, depth.argmax(axis=1), claims.one)
    kept = np.flatnonzero(~on_roof | (depth.max(axis=1, initial=0) > 0))
    return claims._replace(one=one, other=other).take(kept)


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Read the attributes of the list of each thing."""
    listed = scenes.listed[claims.things]
    has = scenes.concepts.attributes[listed, claims.other]
    return np.asarray(has & scenes.concepts.shows[listed, claims.one])


def _say(concepts: Sequence[Concept], value: int) -> Said:  # noqa: ARG001 - it has it
    words = {**name_both(*concepts), "attribute": concepts[1].name}
    return Said(f"attribute({named(concepts)})", words)


_PHRASINGS = ("{A} with {attribute} can be seen.", "The image shows {a} with {attribute}.")
ATTRIBUTE = Kind("attribute", _make, _holds, _say, _PHRASINGS)
