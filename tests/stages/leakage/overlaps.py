"""Tells whether two images truly show the same ground, by other means than the code under test.

The code under test finds SIFT features, and compares pixels under the similarity transform on which
they agree. This check asks two others:

- shifts, without features: each shift of one image over the other, in the eight symmetries, and how
  the fine details of the common part correlate (normalised cross-correlation, Padfield 2012);
- ORB features under a homography, for another scale or rotation; then the blocks of the common part
  must correlate one by one, in plain grey. What only looks alike (roofs, dunes) fails in most.
"""

import itertools
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST = 0.1
"""Of the larger image, what the common part of two must cover: chance agrees on small parts."""
SAME = 0.5
"""The correlation from which two images show the same ground, overall or in most blocks."""
_COARSEST = 4.0
"""Pixels: coarser things, such as sand beside water, are alike on all beaches."""
_LEAST_SPREAD = 2.0
"""Grey levels: fainter details tell nothing."""
_BLOCKS = 5
_FEWEST = 12
"""Features that must agree on the homography."""


class Verdict(NamedTuple):
    """How well two images agree where they agree best."""

    correlation: float
    """Overall; of a homography, the lower quartile of the blocks."""
    overlap: float
    """The share of the larger image that is common to both."""
    laid: np.ndarray | None
    """Ours laid over theirs, for the eye."""

    @property
    def same(self) -> bool:
        """Whether the images show the same ground."""
        return self.correlation >= SAME


NOTHING = Verdict(0.0, 0.0, None)


def check(ours: np.ndarray, theirs: np.ndarray) -> Verdict:
    """Lay an image over another one as well as it fits; height x width x 3."""
    grey, other = (cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in (ours, theirs))
    sides = [grey, grey[:, ::-1]]
    turned = (np.rot90(side, turn) for side in sides for turn in range(4))
    found = max((_by_shift(side, other) for side in turned), key=_correlation)
    if found.same:
        return found
    return max(found, *(_by_features(side, other) for side in sides), key=_correlation)


def _correlation(verdict: Verdict) -> float:
    return verdict.correlation


def _by_shift(ours: np.ndarray, theirs: np.ndarray) -> Verdict:
    field, overlap = _correlations(_details(ours), _details(theirs))
    at = np.unravel_index(int(field.argmax()), field.shape)
    down, right = (int(place) - (side - 1) for place, side in zip(at, ours.shape, strict=True))
    moved = np.float64([[1, 0, right], [0, 1, down]])
    laid = cv2.warpAffine(np.ascontiguousarray(ours), moved, theirs.shape[::-1])
    return Verdict(float(field[at]), float(overlap[at]), laid)


def _details(grey: np.ndarray) -> NDArray[np.float64]:
    fine = grey.astype(np.float64)
    return fine - cv2.GaussianBlur(fine, (0, 0), _COARSEST)


def _correlations(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the correlation of the common part at every shift, and its share of the images."""
    shape = tuple(a + b - 1 for a, b in zip(ours.shape, theirs.shape, strict=True))
    turned = ours[::-1, ::-1]

    def over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.fft.irfft2(np.fft.rfft2(a, shape) * np.fft.rfft2(b, shape), shape)

    ones = [np.ones(one.shape) for one in (turned, theirs)]
    count = np.maximum(over(*ones).round(), 1)
    means = over(turned, ones[1]) / count, over(ones[0], theirs) / count
    spreads = (
        over(turned**2, ones[1]) / count - means[0] ** 2,
        over(ones[0], theirs**2) / count - means[1] ** 2,
    )
    together = over(turned, theirs) / count - means[0] * means[1]
    share = count / max(ours.size, theirs.size)
    tells = (share >= LEAST) & (np.minimum(*spreads) >= _LEAST_SPREAD**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = together / np.sqrt(spreads[0] * spreads[1])
    return np.where(tells, found, 0.0), share


def _by_features(ours: np.ndarray, theirs: np.ndarray) -> Verdict:
    greys = [_large(one) for one in (ours, theirs)]
    orb = cv2.ORB_create(4000, fastThreshold=4)
    (points, one), (others, other) = (orb.detectAndCompute(grey, None) for grey in greys)
    if one is None or other is None or min(len(one), len(other)) < _FEWEST:
        return NOTHING
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(one, other)
    if len(matches) < _FEWEST:
        return NOTHING
    source = np.float32([points[match.queryIdx].pt for match in matches])
    target = np.float32([others[match.trainIdx].pt for match in matches])
    matrix, inside = cv2.findHomography(source, target, cv2.USAC_MAGSAC, 4.0, maxIters=20_000)
    if matrix is None or not np.isfinite(matrix).all() or inside.sum() < _FEWEST:
        return NOTHING
    size = greys[1].shape[::-1]
    covered = cv2.warpPerspective(np.full(greys[0].shape, 255, np.uint8), matrix, size) == 255
    laid = cv2.warpPerspective(greys[0], matrix, size)
    blocks = _of_blocks(laid, greys[1], covered)
    low = float(np.percentile(blocks, 25)) if len(blocks) >= 3 else 0.0
    return Verdict(low, float(covered.mean()), laid)


def _large(grey: np.ndarray) -> np.ndarray:
    scale = 640 / max(grey.shape)
    grey = np.ascontiguousarray(grey)
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def _of_blocks(laid: np.ndarray, theirs: np.ndarray, covered: np.ndarray) -> list[float]:
    """Give the correlation of each block that is covered and has contrast, after a small shift."""
    rows, columns = (np.linspace(0, length, _BLOCKS + 1).astype(int) for length in theirs.shape)
    found = []
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            inner = slice(top + 8, bottom - 8), slice(left + 8, right - 8)
            outer = slice(top, bottom), slice(left, right)
            if not (laid[inner].size and covered[inner].all()):
                continue
            if min(laid[inner].std(), theirs[outer].std()) >= 2 * _LEAST_SPREAD:
                field = cv2.matchTemplate(theirs[outer], laid[inner], cv2.TM_CCOEFF_NORMED)
                found.append(float(field.max()))
    return found
