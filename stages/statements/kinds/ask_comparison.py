"""Comparisons: "Are there more houses than trees?" and "Yes".

``more(A, B) = yes``: more objects show A than B, where both numbers are known (see ``count``) and
differ; ``no``: fewer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skyscript.ragged import counted
from stages.statements.claims import Claims, Kind, Said, named, of_groups
from stages.statements.kinds.count import countable
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept

_ANSWERS = ("no", "yes")


def _make(scenes: Scenes) -> Claims:
    groups, number = countable(scenes), len(scenes.concepts.all)
    image, name = np.divmod(groups.keys, number)
    first = np.searchsorted(image, image)
    sizes = np.searchsorted(image, image, "right") - first
    one = np.repeat(np.arange(len(image)), sizes)
    other = np.repeat(first, sizes) + counted(sizes)
    kept = scenes.concepts.differ(name[one], name[other])
    kept &= groups.sizes[one] != groups.sizes[other]
    one, other = one[kept], other[kept]
    both = of_groups(scenes, groups, groups.sizes).take(np.column_stack([one, other]).ravel())
    more = (groups.sizes[one] > groups.sizes[other]).astype(np.int64)
    sizes = both.sizes[::2] + both.sizes[1::2]
    return Claims(image[one], name[one], name[other], more, both.things, sizes)


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Count the objects of the two concepts among those that the claim rests on."""
    shows, listed = scenes.concepts.shows, scenes.listed[claims.things]
    ones, others = (
        np.bincount(claims.of, shows[listed, concept[claims.of]], len(claims.image))
        for concept in (claims.one, claims.other)
    )
    return np.asarray((ones > others) == (claims.value == 1))


def _say(concepts: Sequence[Concept], value: int) -> Said:
    one, other = (concept.plural for concept in concepts)
    words = {"ones": one, "others": other, "Answer": _ANSWERS[value].capitalize()}
    return Said(f"more({named(concepts)}) = {_ANSWERS[value]}", words)


_PHRASINGS = (
    "Are there more {ones} than {others}?",
    "Does the image show more {ones} than {others}?",
)
ASK_COMPARISON = Kind(
    "ask_comparison", _make, _holds, _say, _PHRASINGS, "question", ("{Answer}.",) * 2
)
