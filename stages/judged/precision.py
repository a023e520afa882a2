"""The precision of a stratified sample, with its interval.

The interval is Wilson's score interval with continuity correction. The effective size of the sample
takes the place of its size, as Korn and Graubard (1998) propose for surveys. So the interval stays
within 0 and 1, and holds the truth as often as it says, also near 1. The effective size is the
lower of two: that of Kish, which knows only the weights, and that of the variance within strata.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from statistics import NormalDist
from typing import NamedTuple

_PRIOR = 2.0
"""Texts of the overall precision that a stratum's own is mixed with: a few do not tell it."""


class Verdict(NamedTuple):
    """A judged text."""

    right: bool
    weight: float
    """The number of texts that it stands for."""
    stratum: Hashable


class Precision(NamedTuple):
    """A share of right texts, and the interval that holds the true one."""

    value: float
    low: float
    high: float


def precision(verdicts: Sequence[Verdict], confidence: float) -> Precision:
    """Give the precision of the texts that some judged ones stand for; at least one is needed."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    whole = sum(verdict.weight for verdict in verdicts)
    value = sum(verdict.weight for verdict in verdicts if verdict.right) / whole
    size = whole**2 / sum(verdict.weight**2 for verdict in verdicts)
    # Wilson's centre: it is never 0 or 1, where nothing would seem to vary.
    centre = (size * value + z * z / 2) / (size + z * z)
    size = min(size, centre * (1 - centre) / _variance(verdicts, centre, whole))
    return Precision(value, _low(value, size, z), 1.0 - _low(1.0 - value, size, z))


def _low(value: float, size: float, z: float) -> float:
    """Give the lower end of Wilson's interval with continuity correction (Newcombe 1998)."""
    if value <= 0.0:
        return 0.0
    inner = z * z - 2 - 1 / size + 4 * value * (size * (1 - value) + 1)
    low = (2 * size * value + z * z - 1 - z * math.sqrt(max(0.0, inner))) / (2 * (size + z * z))
    return min(value, max(0.0, low))


def _variance(verdicts: Sequence[Verdict], centre: float, whole: float) -> float:
    """Give the variance of the precision, from how the strata vary within."""
    strata: dict[Hashable, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        strata[verdict.stratum].append(verdict)
    total = 0.0
    for members in strata.values():
        right = sum(verdict.right for verdict in members)
        share = (right + _PRIOR * centre) / (len(members) + _PRIOR)
        total += share * (1 - share) * sum(verdict.weight**2 for verdict in members)
    return total / whole**2
