"""Negatives with a wrong number: "There are four tennis courts" where there are three.

``count(C) = n``, false: another number of objects shows C, and it is known (see ``count``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skyscript.captions.object_names import number_word
from stages.statements.claims import Claims, Kind, Said
from stages.statements.kinds.count import COUNT
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept

_MOST = 1 << 20


def _make(scenes: Scenes) -> Claims:
    """Give one more, or one less than an odd number from three on."""
    claims = COUNT.make(scenes)
    number = claims.value
    wrong = np.where((number > 2) & (number % 2 == 1), number - 1, number + 1)
    return claims._replace(value=wrong * _MOST + number)


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    wrong, number = np.divmod(claims.value, _MOST)
    return np.asarray(COUNT.holds(claims._replace(value=number), scenes) & (wrong != number))


def _say(concepts: Sequence[Concept], value: int) -> Said:
    (one,) = concepts
    wrong, number = divmod(value, _MOST)
    words = {
        "wrong": f"{number_word(wrong)} {one.plural}",
        "right": f"one {one.name}" if number == 1 else f"{number_word(number)} {one.plural}",
        "are": "is" if number == 1 else "are",
    }
    return Said(f"count({one.name}) = {wrong}", words)


NOT_COUNT = Kind(
    "not_count",
    _make,
    _holds,
    _say,
    ("There are {wrong}.", "The image shows {wrong}."),
    "negative",
    ("There {are} {right}.", "The image shows {right}."),
)
