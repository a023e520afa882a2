"""Regions, as in "The box [120, 40, 300, 210] shows a tennis court".

``region(C) = [left, top, right, bottom]``: an area that shows C has this box in the image, in bins
of 0 to 1000 from the top left corner. Stated of areas of at least four pixels a side that cover
less than nine tenths of the image, and of points and lines never: a point has no box.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skyscript.captions.object_names import with_article
from stages.statements.bins import bins_texts, pack, to_bins, unpack
from stages.statements.claims import VALUE, Claims, Kind, Said, of_things
from stages.statements.scenes import Bools, Ints, Scenes
from tag_vocab import Concept

_LEAST_SIDE = 4.0
_MOST_SHARE = 0.9


def _make(scenes: Scenes) -> Claims:
    things = framed(scenes)
    bins = to_bins(scenes, scenes.image[things], scenes.box[things])
    return of_things(scenes, things, pack(bins))


def framed(scenes: Scenes) -> Ints:
    """Give the areas whose box is neither too small nor nearly the whole image."""
    width, height = (scenes.box[:, 2:] - scenes.box[:, :2]).T
    share = width * height / scenes.pixels[scenes.image]
    large = (scenes.dimensions == 2) & (np.minimum(width, height) >= _LEAST_SIDE)
    return np.flatnonzero(large & (share <= _MOST_SHARE))


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Tell whether each side of the claimed box is within half a bin of the thing's own box."""
    sizes = scenes.sides[claims.image]
    pixels = unpack(claims.value) * sizes / 1000
    return np.asarray((abs(pixels - scenes.box[claims.things]) <= sizes / 1999).all(axis=1))


def _say(concepts: Sequence[Concept], value: int) -> Said:  # noqa: ARG001 - `bins_texts` says it
    (one,) = concepts
    words = {"box": VALUE, "a": with_article(one), "label": one.name}
    return Said(f"region({one.name}) = {VALUE}", words)


_PHRASINGS = ("The box {box} shows {a}.", "{label} at {box}")
REGION = Kind("region", _make, _holds, _say, _PHRASINGS, texts=bins_texts)
