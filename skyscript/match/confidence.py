"""The probability that a found shift is right, from the shape of the peak that it was found by."""

from __future__ import annotations

import math
from typing import NamedTuple

_WEIGHTS = (-6.71, 15.69, 1.708, 0.860)
"""Of a constant and of `terms`: fitted by ``python -m tests.bench.match --fit --tiles 400``, half
of it on pairs of an image with the map of another place; see docs/match.md."""
_MOST_LEAD = 20.0
_SHARP = 4.0
"""How much less likely a shift is whose peak is one deviation lower, as a logarithm."""


class Peak(NamedTuple):
    """The shape of the highest peak among all shifts."""

    height: float
    """The correlation there."""
    above: float
    """Its height over the median, in robust deviations of all shifts."""
    lead: float
    """Its height over the next peak, likewise."""


def terms(peak: Peak) -> tuple[float, float, float]:
    """Give what the weights of the logistic regression multiply."""
    return peak.height, math.log(max(peak.above, 1e-3)), min(peak.lead, _MOST_LEAD)


def probability(peak: Peak) -> float:
    """Give the probability that a shift is right to a metre, or to half a pixel if that is more."""
    constant, *weights = _WEIGHTS
    total = sum(weight * value for weight, value in zip(weights, terms(peak), strict=True))
    # A peak elsewhere as high is as likely: a straight road tells only the shift across it.
    return min(1 / (1 + math.exp(-(constant + total))), 1 - math.exp(-_SHARP * peak.lead))
