"""Pictures over a frame: motifs that repeat, such as furrows, and shapes in the sun, such as roofs.

Both are functions of where a pixel is in the frame of an object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from skyscript.backends.simulated.features import Frame
from skyscript.backends.simulated.season import Light

_LIGHT = 26.0
"""Percent by which a plane of slope 1 that faces the sun is brighter."""
_CREASE = 18.0
"""Percent by which a ridge is brighter."""
_STEEPEST, _SHARP = 1.6, 0.6
"""The steepest slope that counts, and the bend within a pixel that is a ridge."""
_SHADED = 0.4
"""The loss of light in the shadow of a thing that is repeated."""

Array = npt.NDArray[np.floating[Any]]


def _raised(inside: Callable[[Array, Array], npt.NDArray[np.bool_]], u: Array, v: Array) -> Array:
    """Give the cover of things with a shadow beside them."""
    here = inside(u - 0.5, v - 0.5)
    return np.where(here, 1.0, -_SHADED * inside(u - 0.4, v - 0.4))


MOTIFS: dict[str, Callable[[Array, Array, float], npt.NDArray[Any]]] = {
    "waves": lambda _, v, share: (1 - np.cos(2 * np.pi * v)) / 2,  # noqa: ARG005
    "stripes": lambda _, v, share: v < share,
    "bars": lambda u, _, share: u < share,
    "lattice": lambda u, v, share: (u < share) | (v < share),
    "bays": lambda u, v, share: (v < share) & (u < 0.07) | (v < 0.04),
    "blocks": lambda u, v, share: _raised(
        lambda x, y: np.maximum(abs(x), abs(y)) < share / 2, u, v
    ),
    "dots": lambda u, v, share: _raised(lambda x, y: np.hypot(x, y) < share, u, v),
}
"""How much of the mark covers a place of the period (along and across, 0 to 1), where the mark
takes a share of it; below 0 the ground is darker."""


class _At(NamedTuple):
    """Where a pixel is; lengths in half widths of the frame."""

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
    "crown": lambda at: (
        np.sqrt(np.clip(1.1 - at.far**2, 0, None))
        + 0.1 * at.far * np.sin(7 * at.turn + 2 * np.sin(3 * at.turn))
        + 0.03 * np.sin(9 * at.far + 3 * np.sin(5 * at.turn))
    ),
    "star": lambda at: 1 - at.far + 0.16 * np.cos(9 * at.turn) * at.far,
}
"""Heights by name: the shapes of roofs and of other things."""


def relief(shape: str, u: Array, v: Array, frame: Frame, light: Light) -> Array:
    """Give how bright a shape is, as a factor, at pixels so far along and across a frame."""
    half = frame.width / 2
    u, v, long = u / half, v / half, frame.length / frame.width
    at = _At(u, v, 1 - abs(v), long - abs(u), np.hypot(u / long, v), np.arctan2(v, u / long))
    height = RIDGES[shape](at) * half
    down, right = np.gradient(height)
    slope = np.clip(right * light.away[0] + down * light.away[1], -_STEEPEST, _STEEPEST)
    crease = cv2.Laplacian(height, cv2.CV_64F) < -_SHARP
    result: Array = 1 + (_LIGHT * slope + _CREASE * crease) / 100
    return result
