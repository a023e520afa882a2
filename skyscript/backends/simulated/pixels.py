"""Places, turned boxes and phases as the drawing library wants them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from skyscript.backends.simulated.features import Frame, Points

SHIFT = 3
"""Binary places behind the point in OpenCV's fixed-point coordinates."""
Mask = npt.NDArray[np.uint8]
Place = tuple[float, float]


def turned_box(centre: Place, angle: float, length: float, width: float) -> list[Place]:
    """Give the corners of a turned rectangle, in OpenCV's coordinates."""
    cos, sin = math.cos(angle) / 2, math.sin(angle) / 2
    ux, uy, vx, vy = cos * length, sin * length, -sin * width, cos * width
    x, y = centre[0] - 0.5, centre[1] - 0.5
    return [
        (x - ux - vx, y - uy - vy),
        (x + ux - vx, y + uy - vy),
        (x + ux + vx, y + uy + vy),
        (x - ux + vx, y - uy + vy),
    ]


def fixed(points: Points) -> npt.NDArray[np.int32]:
    """Give points as OpenCV's fixed-point numbers; pixel centres lie at whole numbers there."""
    return np.rint(points * (1 << SHIFT) - (1 << (SHIFT - 1))).astype(np.int32)


def dot(place: Place) -> tuple[int, int]:
    """Give a place as OpenCV's fixed-point numbers."""
    half = 1 << (SHIFT - 1)
    return round(place[0] * (1 << SHIFT)) - half, round(place[1] * (1 << SHIFT)) - half


def across(frame: Frame) -> Frame:
    """Give a frame turned by a right angle."""
    return frame._replace(angle=frame.angle + math.pi / 2)


def phase(mask: Mask, corner: tuple[int, int], frame: Frame, period: float) -> Mask:
    """Give how far each pixel of a mask is into a period along the frame, in 256ths.

    The sum of what its column and its row give wraps around by itself.
    """
    x = np.arange(mask.shape[1], dtype=np.float64) + (corner[0] + 0.5 - frame.x)
    y = np.arange(mask.shape[0], dtype=np.float64) + (corner[1] + 0.5 - frame.y)
    columns = np.floor(x * (math.cos(frame.angle) / period) % 1.0 * 256)
    rows = np.floor(y * (math.sin(frame.angle) / period) % 1.0 * 256)
    return np.add(columns.astype(np.uint8), rows.astype(np.uint8)[:, None])
