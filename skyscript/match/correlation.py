"""The agreement of image and map for all shifts, in one computation, and its highest peak."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skyscript.images.decode import Pixels
from skyscript.match.confidence import Peak, probability, share_near_peak
from skyscript.match.edge_image import both_sides, edges_of_image, edges_of_map
from skyscript.match.edge_lines import Pieces

Surface = npt.NDArray[np.float32]

FINEST = 0.4
"""Metres; images with smaller pixels are reduced to this: finer detail is not on the map."""
MOST_PIXELS = 256
"""Longer sides are reduced to this many pixels; peaks are found to a fraction of a pixel."""
_TOLERANCE = 0.6
"""Metres; the deviation of the blur of the drawn map, because outlines are not exact."""
_LEAST_BLUR = 0.7
"""The least deviation of that blur, in pixels."""
_LEAST_APART = 1.5
"""Pixels from the middle of a line to its edges in the image."""
_LEAST_REACH = 2.0
"""Pixels; a shorter search finds nothing."""
_LEAST_LENGTH = 30.0
"""Pixels of edges without which there is nothing to match."""
_FLOOR = 0.3
"""Edges within the image, as a share of the most at any shift; fewer count as so many. Otherwise a
shift that leaves one short edge in the image could win."""
_RIGHT = 1.0
"""Metres within which a shift is right, or half a pixel of the image if that is more."""
_LEAST_MARGIN = 16
"""Pixels. Shifts up to this size, allowed or not, show how high peaks are by chance alone."""

NO_EDGES = "no object with a visible edge is in the image"
FEW_EDGES = "too little of any edge is in the image"
TOO_COARSE = "the pixels are too large for the range of the search"
EVEN = "the image has no edges"


class Agreement(NamedTuple):
    """How well map and image agree at the best shift."""

    match: float
    """Correlation, -1 to 1."""
    right: float
    """Pixels to the right by which the map must be moved to lie on the image."""
    down: float
    """Pixels down by which the map must be moved to lie on the image."""
    confidence: float
    """Probability that the shift is right to a metre, or to half a pixel if that is more."""
    length: float
    """Metres of edges in the image."""
    peak: Peak
    """What the confidence comes from."""


def agreement(rgb: Pixels, pieces: Pieces, gsd: float, reach: float) -> Agreement | str:
    """Find the shift of at most ``reach`` metres by which a map fits an image best.

    ``pieces`` are edges in pixels of the image, whose side is ``gsd`` metres; those beyond the
    image take part, as far as ``reach``. Gives a reason if there is nothing to match.
    """
    sides = rgb.shape[1], rgb.shape[0]
    pixel = max(gsd, FINEST, max(sides) * gsd / MOST_PIXELS)
    if reach < _LEAST_REACH * pixel:
        return TOO_COARSE
    if not len(pieces.ends):
        return NO_EDGES
    width, height = (max(8, round(side * gsd / pixel)) for side in sides)
    scale = np.array([width / sides[0], height / sides[1]])
    farthest = math.floor(reach / pixel)
    margin = max(farthest + 1, _LEAST_MARGIN)
    placed = Pieces(pieces.ends * np.tile(scale, 2), pieces.width)
    lined = both_sides(placed, pixel, _LEAST_APART)
    lined = Pieces(lined.ends + margin, lined.width)
    size = width + 2 * margin, height + 2 * margin
    drawn, length = edges_of_map(lined, *size, max(_LEAST_BLUR, _TOLERANCE / pixel))
    inside = float(length[margin:-margin, margin:-margin].sum())
    if inside < _LEAST_LENGTH:
        return FEW_EDGES if inside else NO_EDGES
    seen = edges_of_image(rgb, width, height)
    if not seen.any():
        return EVEN
    surface = correlate(drawn, seen)
    peak, place = highest_peak(surface, farthest, pixel, max(_RIGHT, gsd / 2))
    right, down = np.array(place) / scale
    length = inside * pixel
    return Agreement(peak.height, float(right), float(down), probability(peak), length, peak)


def correlate(drawn: npt.NDArray[np.complex64], seen: npt.NDArray[np.complex64]) -> Surface:
    """Correlate an image with a larger map, at every place of the image within the map.

    Each value is normalised by the energies of the image and of the map below it.
    """
    (high, wide), (height, width) = drawn.shape, seen.shape
    shape = _fast(high), _fast(wide)
    product = np.fft.fft2(drawn, shape) * np.conj(np.fft.fft2(seen, shape))
    rows, columns = high - height + 1, wide - width + 1
    common = np.fft.ifft2(product)[:rows, :columns].real
    below = _energies(drawn, height, width)
    energy = np.maximum(below, _FLOOR * below.max()) * float((np.abs(seen) ** 2).sum())
    surface: Surface = (common / np.sqrt(energy)).astype(np.float32)
    return surface


def highest_peak(
    surface: Surface, farthest: int, pixel: float, tolerance: float
) -> tuple[Peak, tuple[float, float]]:
    """Find the highest peak, and the pixels to the right and down by which the map must move.

    The peak is at most ``farthest`` pixels from the middle, on each axis; the values beyond tell
    how high peaks of chance are. Shifts within ``tolerance`` metres of the peak say the same; a
    pixel is ``pixel`` metres.
    """
    middle_row, middle_column = (side // 2 for side in surface.shape)
    top, left = middle_row - farthest, middle_column - farthest
    inner = surface[top : top + 2 * farthest + 1, left : left + 2 * farthest + 1]
    row, column = (int(at) for at in np.unravel_index(int(inner.argmax()), inner.shape))
    row, column = row + top, column + left
    height, median = float(surface[row, column]), float(np.median(surface))
    spread = 1.4826 * float(np.median(np.abs(surface - median))) + 1e-9
    alone = share_near_peak(np.ascontiguousarray(inner), spread, pixel, tolerance)
    # The surface tells where the image lies on the map; the map must move the other way.
    right = middle_column - column - _vertex(*surface[row, column - 1 : column + 2])
    down = middle_row - row - _vertex(*surface[row - 1 : row + 2, column])
    peak = Peak(height, (height - median) / spread, alone)
    return peak, (float(right), float(down))


def _vertex(before: float, at: float, after: float) -> float:
    """Give where the parabola through three values has its vertex, from the middle one."""
    bend = before - 2 * at + after
    return min(0.5, max(-0.5, 0.5 * (before - after) / bend)) if bend < 0 else 0.0


def _energies(drawn: npt.NDArray[np.complex64], height: int, width: int) -> npt.NDArray[np.float64]:
    """Give the energy of the map in every window of the image's size."""
    import cv2

    total = np.asarray(cv2.integral((drawn.real**2 + drawn.imag**2).astype(np.float32)), np.float64)
    lower, upper = total[height:], total[:-height]
    windows: npt.NDArray[np.float64] = (
        lower[:, width:] - lower[:, :-width] - upper[:, width:] + upper[:, :-width]
    )
    return windows


def _fast(size: int) -> int:
    """Give the next size whose Fourier transform is fast."""
    import cv2

    return int(cv2.getOptimalDFTSize(size))
