"""Tells whether an image is a copy of another: lays it over the other and compares the pixels.

The transform (a shift, a rotation, a scale) comes from local features that agree (RANSAC) and is
refined on the pixels. Two images are near-duplicates if the pixels then correlate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.leakage.features import (
    Features,
    Grey,
    Sketch,
    mirrored,
    normalised,
    symmetries,
    thumbnail,
)

_ALIKE = 0.88
"""The least scalar product of two features that show the same."""
_FEWEST = 4
"""Features that must agree on a transform, which has four parameters."""
_TOLERANCE = 4.0
"""Pixels by which they may miss."""
_SCALES = (0.2, 5.0)
_LEAST_SHARE = 0.1
"""The least share of one of the two images that the other one must show."""
_FINE, _COARSE = 1.5, 12.0
"""Pixels between which details are compared. A transform is not more exact, and compression changes
what is finer; bright sand beside dark water is coarser, and alike on all beaches."""
_OF_THUMBNAIL = (0.7, 6.0)
"""The same, in pixels of a thumbnail, which are larger."""
_SURE = 25
"""Features that agree on a transform by so many prove a copy, if noise drowns the pixels."""
_LEAST_CONTRAST = 0.7
"""Standard deviation in grey levels, below which pixels tell nothing."""
_STEPS = 30
_WORTH = (0.25, 0.95)
"""Correlations between which a transform is refined, which takes most of the time."""
Transform = NDArray[np.float64]


class Overlay(NamedTuple):
    """How well an image lies on another."""

    correlation: float
    overlap: float
    """The share of the other image that it covers."""
    agreeing: int = 0
    """Features that agree on the transform."""

    def is_copy(self, correlation: float) -> bool:
        """Tell whether the images correlate as much as a copy, or half as much if it is sure."""
        return self.correlation >= correlation / (2 if self.agreeing >= _SURE else 1)


NOTHING = Overlay(0.0, 0.0)


def agree(ours: Features, theirs: Features) -> tuple[Transform, int] | None:
    """Give the transform from ours to theirs that most features agree on, and their number.

    None if few agree.
    """
    import cv2

    if min(len(ours.places), len(theirs.places)) < _FEWEST:
        return None
    alike = normalised(ours) @ normalised(theirs).T
    best = alike.argmax(axis=1)
    mutual = alike.argmax(axis=0)[best] == np.arange(len(best))
    good = mutual & (alike.max(axis=1) > _ALIKE)
    if good.sum() < _FEWEST:
        return None
    transform, inside = cv2.estimateAffinePartial2D(
        ours.places[good],
        theirs.places[best[good]],
        method=cv2.RANSAC,
        ransacReprojThreshold=_TOLERANCE,
    )
    if transform is None or inside.sum() < _FEWEST or not np.isfinite(transform).all():
        return None
    scale = float(np.hypot(*transform[0, :2]))
    return (transform, int(inside.sum())) if _SCALES[0] < scale < _SCALES[1] else None


def lay_over(ours: Grey, theirs: Grey, transform: Transform) -> Overlay:
    """Lay an image over another, and compare; refine the transform if that may help."""
    first = _compare(ours, theirs, transform)
    if not _WORTH[0] < first.correlation < _WORTH[1]:
        return first
    refined = _refine(ours, theirs, transform)
    return first if refined is None else max(first, _compare(ours, theirs, refined))


def _refine(ours: Grey, theirs: Grey, transform: Transform) -> Transform | None:
    """Find the transform near to another one at which the pixels correlate best."""
    import cv2

    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, 1e-4)
    back = cv2.invertAffineTransform(transform).astype(np.float32)
    whole = np.full(ours.shape, 255, np.uint8)
    try:
        _, found = cv2.findTransformECC(theirs, ours, back, cv2.MOTION_AFFINE, stop, whole, 5)
        return np.asarray(cv2.invertAffineTransform(found), np.float64)
    except cv2.error:  # it does not converge
        return None


def _compare(ours: Grey, theirs: Grey, transform: Transform) -> Overlay:
    import cv2

    size = theirs.shape[::-1]
    whole = np.full(ours.shape, 255, np.uint8)
    covered = np.asarray(cv2.warpAffine(whole, transform, size)) == 255
    share = float(covered.mean())
    of_ours = covered.sum() / max(1.0, ours.size * abs(np.linalg.det(transform[:, :2])))
    if max(share, of_ours) < _LEAST_SHARE:
        return NOTHING
    laid = np.asarray(cv2.warpAffine(ours, transform, size, flags=cv2.INTER_LINEAR), np.uint8)
    pixels = (_details(one, covered, _FINE, _COARSE)[covered] for one in (laid, theirs))
    return Overlay(correlate(*pixels), share)


def same_at(ours: Sketch, theirs: Grey, symmetry: int) -> Overlay:
    """Compare a rotation or mirror image of an image with another image, pixel by pixel.

    ``symmetry`` is the number of the rotation or mirror image in `symmetries`. The details of small
    thumbnails are compared, without a search for a shift or a scale.
    """
    own, other = symmetries(thumbnail(ours.grey))[symmetry], thumbnail(theirs)
    whole = np.ones(own.shape, np.bool_)
    pixels = (_details(one, whole, *_OF_THUMBNAIL) for one in (own, other))
    return Overlay(correlate(*pixels), 1.0)


def correlate(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Give the correlation of pixels, -1 to 1; 0 if one of the two shows nothing."""
    a, b = (one.astype(np.float64) - one.mean() if one.size else one for one in (ours, theirs))
    spread = [float(np.sqrt((one * one).mean())) if one.size else 0.0 for one in (a, b)]
    if min(spread) < _LEAST_CONTRAST:
        return 0.0
    return float((a * b).mean()) / (spread[0] * spread[1])


def _details(
    image: Grey, covered: NDArray[np.bool_], finest: float, coarsest: float
) -> NDArray[np.float32]:
    """Give the details of the covered pixels that are neither fine nor coarse."""
    inside = covered.astype(np.float32)
    real: NDArray[np.float32] = image * inside
    fine, coarse = (_mean_around(real, inside, size) for size in (finest, coarsest))
    return np.asarray(fine - coarse, np.float32)


def _mean_around(
    image: NDArray[np.float32], inside: NDArray[np.float32], size: float
) -> NDArray[np.float32]:
    """Blur an image, without what is outside."""
    import cv2

    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), size), np.float32)
    weight = np.asarray(cv2.GaussianBlur(inside, (0, 0), size), np.float32)
    return np.asarray(blurred / np.maximum(weight, 1e-6), np.float32)


def overlay(
    ours: Sketch, features: Features, load: Callable[[], Grey | None], *, is_mirrored: bool
) -> Overlay:
    """Compare an image, or its mirror image, with one whose features are given.

    ``load`` reads the pixels of the other one, which only images whose features agree need.
    """
    own, grey = ours.features, ours.grey
    if is_mirrored:
        own, grey = mirrored(own, grey.shape[1]), np.ascontiguousarray(grey[:, ::-1])
    found = agree(own, features)
    theirs = None if found is None else load()
    if found is None or theirs is None:
        return NOTHING
    transform, agreeing = found
    return lay_over(grey, theirs, transform)._replace(agreeing=agreeing)
