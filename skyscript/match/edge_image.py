"""Edges as complex numbers: how strong an edge is, and in which direction it runs.

A pixel holds ``s * exp(2 i a)``, in which ``s`` is the strength and ``a`` the angle of the edge's
normal. The double angle makes dark-to-bright and bright-to-dark the same. The real part of one
number times the conjugate of another is 1 for parallel edges, -1 for edges at right angles.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skyscript.images.decode import Pixels
from skyscript.match.edge_lines import Floats, Pieces
from skyscript.ragged import counted

Edges = npt.NDArray[np.complex64]

_SMOOTH = 0.8
"""Deviation in pixels of the blur before the gradient is taken."""
_NEARBY = 31
"""Pixels; the side of the window of which the mean gradient is taken."""
_NOISE = 1.0
"""Gradient that is only noise: a level area has no edges."""
_STEP = 0.7
"""Pixels between the points that a line is drawn with."""


def edges_of_image(rgb: Pixels, width: int, height: int) -> Edges:
    """Give the edges of an image, reduced to ``width`` x ``height``.

    The strength is 0 to 1, relative to the gradients nearby: a bright roof does not outweigh ten
    grey ones. The three colours together give the direction (structure tensor).
    """
    import cv2

    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(np.asarray(small, np.float32), (0, 0), _SMOOTH)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    real = np.einsum("ijk,ijk->ij", across, across) - np.einsum("ijk,ijk->ij", down, down)
    imaginary = 2 * np.einsum("ijk,ijk->ij", across, down)
    square = np.sqrt(real * real + imaginary * imaginary)
    gradient = np.sqrt(square)
    strength = gradient / (gradient + cv2.blur(gradient, (_NEARBY, _NEARBY)) + _NOISE)
    edges: Edges = (real + 1j * imaginary) * (strength / np.maximum(square, 1e-6))
    return edges.astype(np.complex64, copy=False)


def edges_of_map(
    pieces: Pieces, width: int, height: int, blur: float
) -> tuple[Edges, npt.NDArray[np.float32]]:
    """Draw pieces, in pixels, and blur them; also give the length of line in each pixel.

    What is beyond the image is left out. The widths are not used: see `both_sides`.
    """
    import cv2

    ends = clip(pieces.ends, width, height)
    step = ends[:, 2:] - ends[:, :2]
    length = np.hypot(step[:, 0], step[:, 1])
    count = np.maximum(1, np.ceil(length / _STEP)).astype(np.intp)
    piece = np.repeat(np.arange(len(ends)), count)
    share = counted(count) + 0.5
    x, y = (ends[piece, :2] + step[piece] * (share / count[piece])[:, None]).T
    at = np.minimum(y.astype(np.intp), height - 1) * width + np.minimum(
        x.astype(np.intp), width - 1
    )
    weight = (length / count)[piece]
    # The normal is the line turned by 90 degrees: its double angle has the other sign.
    turned = -(((step[:, 0] + 1j * step[:, 1]) / np.maximum(length, 1e-12)) ** 2)[piece] * weight
    drawn = np.empty((height, width, 3), np.float32)
    for layer, values in enumerate((turned.real, turned.imag, weight)):
        drawn[..., layer] = np.bincount(at, values, width * height).reshape(height, width)
    blurred = cv2.GaussianBlur(drawn, (0, 0), blur, borderType=cv2.BORDER_CONSTANT)
    soft = np.asarray(blurred, np.float32)
    return (soft[..., 0] + 1j * soft[..., 1]).astype(np.complex64), soft[..., 2]


def both_sides(pieces: Pieces, pixel: float, least: float) -> Pieces:
    """Replace each line that has a width by its two sides; ``pixel`` is its side in metres.

    The sides are at least ``least`` pixels from the middle: there a blurred image shows the edges
    of a line that is thinner than a pixel.
    """
    wide = pieces.width > 0
    ends = pieces.ends[wide]
    step = ends[:, 2:] - ends[:, :2]
    length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-12)
    apart = np.maximum(pieces.width[wide] / 2 / pixel, least) / length
    aside = np.column_stack([-step[:, 1], step[:, 0]] * 2) * apart[:, None]
    ends = np.concatenate([pieces.ends[~wide], ends + aside, ends - aside])
    return Pieces(ends, np.zeros(len(ends)))


def clip(ends: Floats, width: float, height: float) -> Floats:
    """Give the parts of straight pieces within an image (Liang and Barsky)."""
    start, step = ends[:, :2], ends[:, 2:] - ends[:, :2]
    moving = np.where(np.abs(step) < 1e-12, 1e-12, step)
    first, second = -start / moving, (np.array([width, height]) - start) / moving
    begin = np.maximum(np.minimum(first, second).max(axis=1, initial=-np.inf), 0.0)
    end = np.minimum(np.maximum(first, second).min(axis=1, initial=np.inf), 1.0)
    inside = begin < end
    begin, end, start, step = begin[inside], end[inside], start[inside], step[inside]
    return np.hstack([start + step * begin[:, None], start + step * end[:, None]])
