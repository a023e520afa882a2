"""Relief of roofs, crowns and tanks: a height above each point, lit by the sun."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from skyscript.backends.simulated.features import Frame
from skyscript.backends.simulated.noise import Field
from skyscript.backends.simulated.season import Light

_SIDE = 64
_LIGHT = 26.0
"""Percent by which a plane of slope 1 that faces the sun is brighter."""
_STEEPEST = 1.6
_SHARP = 0.9
"""Bend of the height above which a crease shows."""

Array = npt.NDArray[np.float64]


class _At(NamedTuple):
    """Where a point of the frame is; lengths in half widths of the frame."""

    u: Array
    """Along, from the middle."""
    v: Array
    """Across, from -1 to 1."""
    side: Array
    """How far the nearer long side is."""
    end: Array
    """How far the nearer short side is."""
    far: Array
    """0 in the middle, 1 on the ellipse that fits in."""
    turn: Array
    """Angle around the middle."""


def _crown(at: _At) -> Array:
    """Give a dome with lobes, as leaves have it."""
    lobes = np.sin(7 * at.turn + 2 * np.sin(3 * at.turn)) * at.far
    rings = 0.3 * np.sin(9 * at.far + 3 * np.sin(5 * at.turn))
    result: Array = np.sqrt(np.clip(1.1 - at.far**2, 0, None)) + 0.1 * (lobes + rings)
    return result


RIDGES: dict[str, Callable[[_At], Array]] = {
    "flat": lambda at: -2.4 * np.clip(np.minimum(at.side, at.end), 0, 0.09),
    "gabled": lambda at: at.side,
    "hipped": lambda at: np.minimum(at.side, at.end),
    "half-hipped": lambda at: np.minimum(at.side, 0.55 + 0.9 * at.end),
    "pyramidal": lambda at: 1.15 * np.minimum(at.side, at.end / (at.end + abs(at.u))),
    "skillion": lambda at: -0.8 * at.v,
    "round": lambda at: np.sqrt(np.clip(1.05 - at.v**2, 0, None)),
    "gambrel": lambda at: np.minimum(1.6 * at.side, 0.45 + 0.6 * at.side),
    "saltbox": lambda at: np.minimum(1.3 * (1 + at.v), 0.55 * (1 - at.v)),
    "butterfly": lambda at: -0.9 * at.side,
    "sawtooth": lambda at: np.minimum(0.8 * (at.u * 1.6 % 1), 3.2 * (1 - at.u * 1.6 % 1)),
    "dome": lambda at: 1.2 * np.sqrt(np.clip(1.05 - at.far**2, 0, None)),
    "cone": lambda at: 1.2 * (1 - at.far),
    "mansard": lambda at: np.minimum(1.5 * np.minimum(at.side, at.end), 0.5),
    "cross_gabled": lambda at: np.maximum(at.side, 1 - 1.4 * abs(at.u)),
    "rim": lambda at: 1.6 * np.clip(at.far - 0.82, 0, 0.09),
    "crown": _crown,
    "star": lambda at: 1 - at.far + 0.16 * np.cos(9 * at.turn) * at.far,
}
"""Height functions by name: the shapes of roofs and of other things."""


@lru_cache(256)
def _slopes(shape: str, tenths: int) -> Field:
    """Give the slope along and across and the creases of a shape, by ten times its aspect."""
    a = tenths / 10
    columns = min(256, round(_SIDE * a))
    u, v = np.meshgrid(
        (np.arange(columns) + 0.5) / columns * 2 * a - a, (np.arange(_SIDE) + 0.5) / _SIDE * 2 - 1
    )
    at = _At(u, v, 1 - abs(v), a - abs(u), np.hypot(u / a, v), np.arctan2(v, u / a))
    height = RIDGES[shape](at)
    across, along = np.gradient(height, v[1, 0] - v[0, 0], u[0, 1] - u[0, 0])
    crease = -cv2.Laplacian(height, cv2.CV_64F) * _SIDE / 2
    slopes = np.clip(np.stack((along, across)), -_STEEPEST, _STEEPEST)
    result: Field = np.concatenate((slopes, (crease > _SHARP)[None])).astype(np.float32)
    return result


def relief(shape: str, frame: Frame, light: Light) -> npt.NDArray[np.uint8]:
    """Give how bright a shape is over its frame, in percent."""
    aspect = min(12.0, frame.length / max(frame.width, 1e-6))
    along, across, crease = _slopes(shape, max(1, round(aspect * 10)))
    dx, dy = light.away
    cos, sin = math.cos(frame.angle), math.sin(frame.angle)
    u, v = dx * cos + dy * sin, dy * cos - dx * sin
    lit = 100 + _LIGHT * (along * u + across * v) + 18 * crease
    return np.asarray(np.clip(np.rint(lit), 20, 220), np.uint8)
