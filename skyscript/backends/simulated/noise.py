"""Periodic textures with fixed positions in the world: grain, patches, crowns, stones, waves.

Each is a square image of unit spread around 0 whose edges meet, with a texel of so many projected
metres, in a pyramid: where the texel is finer than the pixel, the average is taken, so detail that
cannot be seen vanishes by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from skyscript import chance

Field = npt.NDArray[np.float32]

_SIDE = 512
_SEED = 0


@dataclass(frozen=True)
class Grid:
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
    fy = np.fft.fftfreq(_SIDE)[:, None]
    fx = np.fft.rfftfreq(_SIDE)[None, :] * stretch
    frequency = np.hypot(fy, fx)
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
}
"""Name -> projected metres a texel, and how the image is made."""
_CLOUDS = (24.0, lambda rng: _cloudy(rng, 1.7))


@cache
def _pyramid(name: str) -> tuple[Field, ...]:
    make = TEXTURES.get(name, _CLOUDS)[1]
    levels = [make(chance.generator(_SEED, name, "texture"))]
    while levels[-1].shape[0] > 8:
        side = levels[-1].shape[0] // 2
        halved = levels[-1].reshape(side, 2, side, 2).mean((1, 3), np.float32)
        levels.append(np.ascontiguousarray(halved))
    return tuple(levels)


def sample(name: str, grid: Grid, shift: float = 0.0) -> Field:
    """Give a texture at the pixels of a grid; ``shift`` (0 to 1) moves it, for another instance."""
    texel = TEXTURES.get(name, _CLOUDS)[0]
    levels = _pyramid(name)
    level = 0
    while texel < grid.pixel and level + 1 < len(levels):
        texel, level = texel * 2, level + 1
    image = levels[level]
    side = image.shape[0]
    step = grid.pixel / texel
    # texel coordinates of the first pixel's centre, brought near zero before anything is rounded
    u = ((grid.west + grid.pixel / 2) / texel + shift * side) % side - 0.5
    v = ((-grid.north + grid.pixel / 2) / texel + shift * side) % side - 0.5
    columns = np.arange(int(np.floor(u)), int(np.floor(u + step * grid.width)) + 3) % side
    rows = np.arange(int(np.floor(v)), int(np.floor(v + step * grid.height)) + 3) % side
    matrix = np.array([[step, 0, u - np.floor(u)], [0, step, v - np.floor(v)]], np.float64)
    result = cv2.warpAffine(
        image[np.ix_(rows, columns)],
        matrix,
        (grid.width, grid.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(result, np.float32)


def cell_uniform(seed: int, i: npt.NDArray[np.int64], j: npt.NDArray[np.int64]) -> Field:
    """Draw a number from [0, 1) for every cell of a lattice: the same cell, the same number."""
    with np.errstate(over="ignore"):
        mixed = (
            np.uint64(seed & 0xFFFFFFFFFFFF)
            + i.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            + j.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
        )
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(40)).astype(np.float64) / 2**24).astype(np.float32)
