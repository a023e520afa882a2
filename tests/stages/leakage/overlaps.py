"""Tells whether two images truly show the same ground, by other means than the code under test.

The code under test matches SIFT and compares band-passed pixels under a similarity transform. This
one matches ORB, with small and with large patches, under a homography, and asks that the blocks of
the common part correlate one by one, in plain grey: what only looks alike (roofs, dunes) fails in
most blocks. (OpenCV 5 has neither AKAZE nor BRISK.)
"""

from typing import NamedTuple

import cv2
import numpy as np

_BLOCKS = 5
_LEAST = 8
"""Features that must agree on the homography."""


class Verdict(NamedTuple):
    """How well two images agree."""

    agreeing: int
    blocks: int
    """Blocks of the common part with enough contrast."""
    correlation: float
    """The lower quartile of their correlations."""
    laid: np.ndarray | None
    """Ours laid over theirs, for the eye."""

    @property
    def same(self) -> bool:
        """Whether the images show the same ground."""
        return self.agreeing >= _LEAST and self.blocks >= 3 and self.correlation >= 0.5


NOTHING = Verdict(0, 0, 0.0, None)


def check(ours: np.ndarray, theirs: np.ndarray) -> Verdict:
    """Lay an image, or its mirror image, over another; height x width x 3."""
    found = [
        _check(side, theirs, detector)
        for side in (ours, np.ascontiguousarray(ours[:, ::-1]))
        for detector in _detectors()
    ]
    return max(found, key=lambda one: (one.same, one.correlation))


def _detectors() -> list[cv2.Feature2D]:
    return [
        cv2.ORB_create(4000, fastThreshold=4, patchSize=size, edgeThreshold=size)
        for size in (31, 55)
    ]


def _check(ours: np.ndarray, theirs: np.ndarray, detector: cv2.Feature2D) -> Verdict:
    greys = [_large(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY)) for one in (ours, theirs)]
    (points, one), (others, other) = (detector.detectAndCompute(grey, None) for grey in greys)
    if one is None or other is None or min(len(one), len(other)) < _LEAST:
        return NOTHING
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(one, other)
    if len(matches) < _LEAST:
        return NOTHING
    source = np.float32([points[match.queryIdx].pt for match in matches])
    target = np.float32([others[match.trainIdx].pt for match in matches])
    matrix, inside = cv2.findHomography(source, target, cv2.USAC_MAGSAC, 4.0, maxIters=20_000)
    if matrix is None or not np.isfinite(matrix).all():
        return NOTHING
    size = greys[1].shape[::-1]
    covered = cv2.warpPerspective(np.full(greys[0].shape, 255, np.uint8), matrix, size) == 255
    laid = cv2.warpPerspective(greys[0], matrix, size)
    found = _correlations(laid, greys[1], covered)
    low = float(np.percentile(found, 25)) if found else 0.0
    return Verdict(int(inside.sum()), len(found), low, laid)


def _large(grey: np.ndarray) -> np.ndarray:
    scale = 640 / max(grey.shape)
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def _correlations(laid: np.ndarray, theirs: np.ndarray, covered: np.ndarray) -> list[float]:
    """Give the correlation of each block that is covered and has contrast, after a small shift."""
    height, width = theirs.shape
    ends = [np.linspace(0, length, _BLOCKS + 1).astype(int) for length in (height, width)]
    found = []
    for top, bottom in zip(ends[0], ends[0][1:], strict=False):
        for left, right in zip(ends[1], ends[1][1:], strict=False):
            inner = slice(top + 8, bottom - 8), slice(left + 8, right - 8)
            outer = slice(top, bottom), slice(left, right)
            if not laid[inner].size:  # a strip of an image, lower than the shifts that are tried
                continue
            if covered[inner].mean() < 1 or min(laid[inner].std(), theirs[outer].std()) < 4:
                continue
            field = cv2.matchTemplate(theirs[outer], laid[inner], cv2.TM_CCOEFF_NORMED)
            found.append(float(field.max()))
    return found
