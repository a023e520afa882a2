"""Distances, as in "A church lies about 40 metres from a car park".

``distance(A, B) = 40``: there are an A and a B, no lines, whose parts in the image are between 35
and 45 metres apart. Below 100 metres in steps of 10, below 500 of 50, else of 100. Stated where
they are ten pixels apart or more, and a step is at least two pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from stages.statements.claims import Claims, Kind, Said, name_both, named, pairs_of_things
from stages.statements.scenes import Bools, Floats, Ints, Scenes
from tag_vocab import Concept

_LEAST_PIXELS = 10
_MOST_OFF = 0.45
"""Steps: a distance that is nearer to the border between two steps is not stated."""


def _measure(claims: Claims, scenes: Scenes) -> tuple[Ints, Bools]:
    one, other = claims.pair
    pixels = shapely.distance(scenes.geometry[one], scenes.geometry[other])
    scale = scenes.metres[claims.image]
    step = steps(pixels * scale)
    said = np.round(pixels * scale / step) * step
    sharp = (pixels >= _LEAST_PIXELS) & (step >= 2 * scale) & (said > 0)
    sharp &= abs(said - pixels * scale) <= _MOST_OFF * step
    return said.astype(np.int64), np.asarray(sharp)


def steps(metres: npt.NDArray[np.floating]) -> Floats:
    """Give the steps in which distances are said."""
    return np.select([metres < 95, metres < 475], [10.0, 50.0], 100.0)


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Measure it again, from the second to the first, in steps that the claim alone decides."""
    one, other = (scenes.geometry[side] for side in claims.pair[::-1])
    scale, step = scenes.metres[claims.image], steps(claims.value - 0.1)
    near, far = ((claims.value + side * step / 2) / scale for side in (-1, 1))
    apart = shapely.distance(one, other)
    return np.asarray((near <= apart) & (apart <= far))


def _say(concepts: Sequence[Concept], metres: int) -> Said:
    words = {**name_both(*concepts), "metres": str(metres)}
    return Said(f"distance({named(concepts)}) = {metres}", words)


_PHRASINGS = ("{A} {lies} about {metres} metres from {b}.", "About {metres} m from {b} {lies} {a}.")
DISTANCE = Kind("distance", pairs_of_things, _holds, _say, _PHRASINGS, measure=_measure)
