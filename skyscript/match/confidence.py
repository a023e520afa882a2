"""The probability that a found shift is right, from the shape of the peak that it was found by."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_WEIGHTS = (-4.47, 13.27, 1.352, 0.289)
"""The weights of a constant and of `terms`, fitted by ``python -m tests.bench.match --fit``;
docs/match.md explains it."""
_SHARP = 4.0
"""How much less likely a shift is whose correlation is one deviation lower, as a logarithm."""
_STEP = 0.5
"""Metres between the shifts that are compared; those between pixels are interpolated."""
_LEAST = 1e-4
"""Probabilities nearer to 0 or 1 tell no more."""


class Peak(NamedTuple):
    """The shape of the highest peak among all shifts."""

    height: float
    """The correlation there."""
    above: float
    """Its height over the median, in robust deviations of all shifts."""
    alone: float
    """The share of the probability of all shifts that is near the peak. Other peaks as high take
    from it, as between rows of houses, and so does a ridge: a straight road tells only the shift
    across it."""


def terms(peak: Peak) -> tuple[float, float, float]:
    """Give what the weights of the logistic regression multiply."""
    alone = min(max(peak.alone, _LEAST), 1 - _LEAST)
    return peak.height, math.log(max(peak.above, 1e-3)), math.log(alone / (1 - alone))


def probability(peak: Peak) -> float:
    """Give the probability that a shift is right to a metre, or to half a pixel if that is more."""
    constant, *weights = _WEIGHTS
    total = sum(weight * value for weight, value in zip(weights, terms(peak), strict=True))
    # However high a peak is, there may be others like it. The root makes good for the deviation,
    # which is too small where the map has few edges: of several roots, it fitted best.
    return min(1 / (1 + math.exp(-(constant + total))), math.sqrt(peak.alone))


def share_near_peak(
    values: npt.NDArray[np.float32], spread: float, pixel: float, tolerance: float
) -> float:
    """Give the share of the probability of all shifts that is near the likeliest one.

    ``values`` are the correlations of shifts ``pixel`` metres apart, ``spread`` is the deviation of
    correlations by chance, and ``tolerance`` the metres that count as near.
    """
    import cv2

    finer = max(1, math.ceil(pixel / _STEP))
    rows, columns = (np.arange((side - 1) * finer + 1, dtype=np.float32) for side in values.shape)
    across, down = np.meshgrid(columns / finer, rows / finer)
    fine = np.asarray(cv2.remap(values, across, down, cv2.INTER_CUBIC), np.float64)
    row, column = np.unravel_index(int(fine.argmax()), fine.shape)
    likely = np.exp(_SHARP * (fine - fine[row, column]) / spread)
    distance = np.hypot(rows[:, None] - row, columns[None] - column) * pixel / finer
    return float(likely[distance <= tolerance].sum() / likely.sum())
