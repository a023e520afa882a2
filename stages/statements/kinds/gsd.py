"""The resolution, as in "One pixel shows 0.6 m of the ground".

``gsd(image) = 0.6``: the metres on the ground of a pixel at the image's centre, to two digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stages.statements.claims import Claims, Kind, Said, of_images
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept

_MICROMETRES = 1_000_000


def _make(scenes: Scenes) -> Claims:
    digits = np.array([float(f"{metres:.2g}") for metres in scenes.metres])
    return of_images(scenes, np.round(digits * _MICROMETRES).astype(np.int64))


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Compare it with the width of the image on the ground."""
    ground = scenes.metres[claims.image] * scenes.width[claims.image]
    said = claims.value / _MICROMETRES * scenes.width[claims.image]
    return np.asarray(abs(said / ground - 1) <= 0.051)


def _say(concepts: Sequence[Concept], value: int) -> Said:  # noqa: ARG001 - of no concept
    metres = f"{value / _MICROMETRES:g}"
    return Said(f"gsd(image) = {metres}", {"metres": metres})


_PHRASINGS = ("One pixel shows {metres} m of the ground.", "The resolution is {metres} m a pixel.")
GSD = Kind("gsd", _make, _holds, _say, _PHRASINGS)
