"""Figures that say, by its pixels alone, whether a tile shows the ground: blank, cloud, haze, blur.

No model and no band of the source is needed, so they are the same for every backend. They find what
is grossly wrong, not what is merely ugly: a lake, a desert and a shadow are images.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skyscript.imagery.broken_cloud import COARSE, broken_cloud_share
from skyscript.imagery.protocol import Pixels

Mask = npt.NDArray[np.bool_]
Levels = npt.NDArray[np.float32]

_SOLID = 9
"""Pixels: a smaller black or white area is a shadow, a roof or a line."""
_TOLERANCE = 2
"""A lossy compression changes black and white areas by so little."""
_NOTHING = (((0, 0, 0), (_TOLERANCE,) * 3), ((255 - _TOLERANCE,) * 3, (255, 255, 255)))
"""What stands for no data where nothing declares it: black and white, as ranges."""
_ALL, _SOME = 0.98, 300
_LARGE = 0.25
"""A black or white area is no collar unless it holds a corner of the tile, or so much of it."""
_CLOUD_MIN, _CLOUD_SPREAD, _CLOUD_TEXTURE = 175, 28, 9.0
"""A cloud is at least so bright in every colour, so nearly grey, and deviates so little nearby."""
_NEARBY = 15
_CLEAR_CONTRAST, _CLEAR_SATURATION = 0.4, 0.3
"""The range of brightness and the mean saturation of a tile without haze."""
_STEP = 3
"""Haze is measured on every third pixel of every third row."""
_COARSE = 4
"""Pixels of a tile that become one where coarse detail is measured."""
_ENOUGH_CONTRAST = 3.0
"""Grey levels of coarse detail without which nobody can say whether a tile is blurred."""


class Fitness(NamedTuple):
    """Figures of a tile, each 0 to 1; columns of the table ``images``."""

    blank_share: float
    """The share that has data but shows nothing: black or white areas, or a single colour."""
    cloud_share: float
    """The share that is as bright, grey and even as a cloud."""
    broken_cloud_share: float
    """The share under fields of small clouds; 0 in fine images, where it cannot be measured."""
    haze: float
    """The share of the light that is a grey veil over the whole tile."""
    sharpness: float
    """Fine detail in relation to coarse detail; 1 where there is too little to tell."""


def fitness_of(rgb: Pixels, valid: Mask, gsd: float) -> Fitness:
    """Measure a tile of ``gsd`` metres; ``valid`` is false where the source holds no data."""
    blank = blank_areas(rgb, valid)
    shown = ~blank
    if not shown.any():
        return Fitness(round(float(valid.mean()), 4), 0.0, 0.0, 0.0, 1.0)
    figures = (
        (blank & valid).mean(),
        _cloud_share(rgb, shown),
        broken_cloud_share(rgb, shown) if gsd >= COARSE else 0.0,
        _haze(rgb, shown),
        _sharpness(rgb, shown),
    )
    return Fitness(*(round(float(figure), 4) for figure in figures))


def blank_areas(rgb: Pixels, valid: Mask) -> Mask:
    """Give where there is no data, or a black or white area that is no object on the ground."""
    import cv2

    blank: Mask = ~valid
    if _is_one_colour(rgb.reshape(-1, 3) if valid.all() else rgb[valid]):
        return np.ones_like(valid)
    for lowest, highest in _NOTHING:
        alike = np.asarray(cv2.inRange(rgb, np.array(lowest), np.array(highest)))
        if not alike.any():
            continue
        solid = np.ones((_SOLID, _SOLID), np.uint8)
        opened = cv2.morphologyEx(alike, cv2.MORPH_OPEN, solid, borderType=cv2.BORDER_REPLICATE)
        blank = blank | _collars(np.asarray(opened, np.uint8))
    return blank


def _is_one_colour(pixels: Pixels) -> bool:
    """Say whether nearly all pixels are one colour exactly.

    Much of a tile may be one: some orthophotos fill their lakes with a colour.
    """
    if not len(pixels):
        return False
    some = pixels[:: max(1, len(pixels) // _SOME)]
    middle = np.median(some, axis=0)
    if (some == middle).all(axis=1).mean() < _ALL / 2:
        return False
    return float((pixels == middle).all(axis=1).mean()) >= _ALL


def _collars(alike: npt.NDArray[np.uint8]) -> Mask:
    """Keep the connected areas that hold a corner of the tile, or much of it."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(alike, connectivity=8)
    large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= _LARGE * alike.size)
    corners = labels[[0, 0, -1, -1], [0, -1, 0, -1]]
    kept = np.setdiff1d(np.concatenate([large, corners]), [0])
    return np.asarray(np.isin(labels, kept))


def _cloud_share(rgb: Pixels, shown: Mask) -> float:
    import cv2

    red, green, blue = cv2.split(rgb)
    darkest = np.asarray(cv2.min(cv2.min(red, green), blue))
    brightest = np.asarray(cv2.max(cv2.max(red, green), blue))
    is_bright = (darkest >= _CLOUD_MIN) & (brightest - darkest <= _CLOUD_SPREAD) & shown
    if not is_bright.any():
        return 0.0
    level, window = _grey(rgb), (_NEARBY, _NEARBY)
    mean, square = cv2.blur(level, window), cv2.blur(level * level, window)
    is_even = square - mean * mean <= _CLOUD_TEXTURE**2
    return float((is_bright & is_even).sum() / shown.sum())


def _haze(rgb: Pixels, shown: Mask) -> float:
    """Estimate the veil V of ``seen = ground * (1 - V) + V``.

    A veil lifts the darkest pixels, lowers the contrast and takes away colour; what does only one
    of these is bright sand, an even field or a grey town.
    """
    pixels = rgb[::_STEP, ::_STEP][shown[::_STEP, ::_STEP]].astype(np.float32) / 255
    if not len(pixels):
        return 0.0
    darkest, brightest = pixels.min(axis=1), pixels.max(axis=1)
    low, high = np.percentile(pixels @ _WEIGHTS, (2, 98))
    saturation = ((brightest - darkest) / np.maximum(brightest, 1e-3)).mean()
    signs = (
        np.percentile(darkest, 5),
        1 - (high - low) / _CLEAR_CONTRAST,
        1 - saturation / _CLEAR_SATURATION,
    )
    return float(max(0.0, min(signs)))


def _sharpness(rgb: Pixels, shown: Mask) -> float:
    """Give the detail between neighbours over that of a dozen pixels, as deviations."""
    import cv2

    level = _grey(rgb)
    inside = cv2.erode(shown.astype(np.uint8), np.ones((_SOLID, _SOLID), np.uint8)) > 0
    small = cv2.resize(level, None, fx=1 / _COARSE, fy=1 / _COARSE, interpolation=cv2.INTER_AREA)
    height, width = small.shape
    there = cv2.resize(inside.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    coarse = (small - cv2.GaussianBlur(small, (0, 0), 3))[there > 0]
    if coarse.size == 0 or coarse.std() < _ENOUGH_CONTRAST:
        return 1.0
    fine = (level - cv2.GaussianBlur(level, (0, 0), 1))[inside]
    return min(1.0, float(fine.std() / coarse.std()))


_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""The weights of red, green and blue in brightness."""


def _grey(rgb: Pixels) -> Levels:
    import cv2

    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)
