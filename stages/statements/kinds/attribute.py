"""Attributes, as in "The image shows a tennis court with clay surface".

``attribute(C, X)``: an object whose name is C has the attribute X: a surface, or a shape, covering,
colour or orientation of its roof.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stages.statements.claims import Claims, Kind, Said, name_both, named, of_things
from stages.statements.scenes import Bools, Scenes, once
from tag_vocab import Concept


@once
def _make(scenes: Scenes) -> Claims:
    lists, attributes = np.nonzero(scenes.concepts.attributes)
    order = np.argsort(scenes.listed, kind="stable")
    first, last = (np.searchsorted(scenes.listed[order], lists, side) for side in ("left", "right"))
    things = [order[start:end] for start, end in zip(first, last, strict=True)]
    other = np.repeat(attributes, last - first)
    found = np.concatenate([np.zeros(0, np.int64), *things])
    claims = of_things(scenes, found, np.zeros(len(found), np.int64))
    return claims._replace(other=other)


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
