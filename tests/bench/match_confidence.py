"""The confidence of a shift: fitted on known shifts, and compared with how often it is right."""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from skyscript.match import confidence
from skyscript.match.correlation import Agreement

WRONG = 0.2
"""The share of pairs of an image with the map of another place, among those that are fitted."""
LIMITS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.01)

PLACES = ("Banepa", "Swellendam", "simulated Swellendam", "simulated fields")
"""How the names of the kinds of tile of each begin."""


class Sample(NamedTuple):
    """A shift that was found."""

    kind: str
    found: Agreement
    is_right: bool
    is_place: bool
    """Whether map and image are of one place."""


def fit(samples: list[Sample]) -> np.ndarray:
    """Fit the weights of the confidence: logistic regression, by Newton's method.

    Each kind of tile has the same weight.
    """
    rows = np.array([[1.0, *confidence.terms(one.found.peak)] for one in samples])
    is_right = np.array([one.is_right for one in samples], float)
    counts = Counter((one.kind, one.is_place) for one in samples)
    share = np.array(
        [(1 - WRONG if s.is_place else WRONG) / counts[s.kind, s.is_place] for s in samples]
    )
    share *= len(samples) / share.sum()
    weights = np.zeros(rows.shape[1])
    for _ in range(30):
        guess = 1 / (1 + np.exp(-rows @ weights))
        bend = (rows * (share * guess * (1 - guess))[:, None]).T @ rows
        bend += 1e-2 * np.eye(len(weights))
        weights += np.linalg.solve(bend, rows.T @ (share * (is_right - guess)) - 1e-2 * weights)
    return weights


def calibration(samples: list[Sample]) -> Iterator[str]:
    """Give a row for each place: of pairs of one place, the share that is right by confidence."""
    heads = [f"{low:g}-{min(high, 1):g}" for low, high in itertools.pairwise(LIMITS)]
    yield f"{'confidence':28}" + "".join(f"{head:>16}" for head in heads) + "   mean  right"
    for name in PLACES:
        own = [one for one in samples if one.kind.startswith(name) and one.is_place]
        if not own:
            continue
        said = np.array([one.found.confidence for one in own])
        right = np.array([one.is_right for one in own])
        cells = ""
        for low, high in itertools.pairwise(LIMITS):
            here = (said >= low) & (said < high)
            text = f"{right[here].mean():.0%} of {here.sum()}" if here.any() else "none"
            cells += f"{text:>16}"
        yield f"{name:28}{cells}   {said.mean():.2f}  {right.mean():.2f}"
