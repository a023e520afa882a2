"""Periodic textures with fixed positions in the world: grain, patches, crowns, stones, waves.

Each is a square image of unit spread around 0 whose edges meet, with a texel of so many projected
metres, in a pyramid: where the texel is finer than the pixel, the average is taken, so detail that
cannot be seen vanishes by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from skyscript import chance

Field = npt.NDArray[np.float32]

_SIDE = 512
_LEVELS = 7
SEED = 0


class Grid(NamedTuple):
    """A pixel grid: EPSG:3857 position of its north-west corner, and its pixel size."""

    west: float
    north: float
    pixel: float
    width: int
    height: int


def _unit(field: npt.NDArray[np.floating]) -> Field:
    centred = field - field.mean()
    result: Field = np.clip(centred / (centred.std() + 1e-9), -3, 3).astype(np.float32)
    return result


def _cloudy(rng: np.random.Generator, power: float, stretch: float = 1.0) -> Field:
    """Give noise with a spectrum of 1/f^power; ``stretch`` > 1 draws it out west to east."""
    spectrum = np.fft.rfft2(rng.standard_normal((_SIDE, _SIDE)))
    frequency = np.hypot(np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE) * stretch)
    frequency[0, 0] = 1.0
    return _unit(np.fft.irfft2(spectrum / frequency**power, s=(_SIDE, _SIDE)))


def _bumps(rng: np.random.Generator, count: int, low: float, high: float, peak: float) -> Field:
    """Give shaded bumps (crowns, bushes, stones) with radii of ``low`` to ``high`` texels."""
    height = np.zeros((_SIDE, _SIDE), np.float32)
    reach = np.arange(-int(high) - 1, int(high) + 2)
    distance = np.hypot(reach[:, None], reach[None, :])
    places = rng.integers(0, _SIDE, count), rng.integers(0, _SIDE, count)
    for x, y, radius in zip(*places, rng.uniform(low, high, count), strict=True):
        bump = np.clip(1 - (distance / radius) ** 2, 0, None) ** peak * radius
        where = np.ix_((y + reach) % _SIDE, (x + reach) % _SIDE)
        height[where] = np.maximum(height[where], bump)
    rough = height + 0.08 * high * _cloudy(rng, 0.6)
    slope = rough - np.roll(rough, (-1, -1), (0, 1))
    return _unit(height / high - np.clip(slope, -1.5, 1.5) * 0.55)


TEXTURES: dict[str, tuple[float, Callable[[np.random.Generator], Field]]] = {
    "grain": (0.12, lambda rng: _cloudy(rng, 0.25)),
    "speck": (0.6, lambda rng: _cloudy(rng, 0.9)),
    "patch": (5.0, lambda rng: _cloudy(rng, 1.4)),
    "broadleaved": (0.3, lambda rng: _bumps(rng, 620, 8.0, 17.0, 0.6)),
    "needleleaved": (0.3, lambda rng: _bumps(rng, 1500, 5.0, 9.0, 1.6)),
    "bushes": (0.25, lambda rng: _bumps(rng, 900, 3.0, 8.0, 0.5)),
    "stones": (0.15, lambda rng: _bumps(rng, 5000, 1.5, 6.0, 0.4)),
    "waves": (0.5, lambda rng: _cloudy(rng, 1.1, stretch=0.35)),
    "streaks": (0.3, lambda rng: _cloudy(rng, 0.9, stretch=6.0)),
    "clouds": (24.0, lambda rng: _cloudy(rng, 1.7)),
    "sensor": (1.0, lambda rng: _cloudy(rng, 0.0)),
}
"""Name -> projected metres a texel, and how the image is made."""


@cache
def _pyramid(name: str) -> list[Field]:
    levels = [TEXTURES[name][1](chance.generator(SEED, name, "texture"))]
    while len(levels) < _LEVELS:
        half = cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.float32))
    return levels


def sample(name: str, grid: Grid, shift: float = 0.0) -> Field:
    """Give a texture at the pixels of a grid; ``shift`` (0 to 1) moves it, for another instance."""
    texel = TEXTURES[name][0]
    level = min(max(0, math.ceil(math.log2(grid.pixel / texel))), _LEVELS - 1)
    image, texel = _pyramid(name)[level], texel * 2**level
    step, side = grid.pixel / texel, len(image)
    # texel coordinates of the first pixel's centre, brought near zero before anything is rounded
    u = ((grid.west + grid.pixel / 2) / texel + shift * side) % side - 0.5
    v = ((-grid.north + grid.pixel / 2) / texel + shift * side) % side - 0.5
    size, flags = (grid.width, grid.height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = np.array([[step, 0, u], [0, step, v]])
    wrapped = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_WRAP)
    return np.asarray(wrapped, np.float32)
