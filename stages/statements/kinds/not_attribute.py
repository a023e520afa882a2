"""Negatives with a swapped attribute: "The image shows a tennis court with grass surface".

``attribute(C, Y)``, false: all objects that show C are known, each has an attribute X, and nothing
that is X is Y.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stages.statements.claims import Claims, Said
from stages.statements.kinds.attribute import ATTRIBUTE
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept

_SWAPS = {
    **dict.fromkeys(("asphalt surface", "sand surface", "clay surface"), "grass surface"),
    **dict.fromkeys(("grass surface", "concrete surface"), "sand surface"),
    **dict.fromkeys(("gabled roof", "hipped roof", "pyramidal roof"), "flat roof"),
    "flat roof": "gabled roof",
}


def _make(scenes: Scenes) -> Claims:
    claims = ATTRIBUTE.make(scenes)
    swapped = np.array([one.name in _SWAPS for one in scenes.concepts.all], bool)
    return claims.take(np.flatnonzero(swapped[claims.other] & _all_have(claims, scenes)))


def _all_have(claims: Claims, scenes: Scenes) -> Bools:
    """Tell whether all things of the concept are known, and have the attribute."""
    groups = scenes.group(scenes.keys(claims.image, claims.one))
    has = scenes.concepts.attributes[scenes.listed[groups.things], claims.other[groups.of]]
    all_have = np.bincount(groups.of, has, len(groups.keys)) == groups.sizes
    return np.asarray(all_have & scenes.all_known(claims.image, claims.one))


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    return ATTRIBUTE.holds(claims, scenes) & _all_have(claims, scenes)


def _say(concepts: Sequence[Concept], value: int) -> Said:
    _, words = ATTRIBUTE.say(concepts, value)
    wrong = _SWAPS[concepts[1].name]
    return Said(f"attribute({concepts[0].name}, {wrong})", words | {"wrong": wrong})


NOT_ATTRIBUTE = replace(
    ATTRIBUTE,
    name="not_attribute",
    role="negative",
    make=_make,
    holds=_holds,
    say=_say,
    phrasings=("{A} with {wrong} can be seen.", "The image shows {a} with {wrong}."),
    seconds=ATTRIBUTE.phrasings,
)
