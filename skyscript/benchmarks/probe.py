"""A linear probe: a linear classifier on frozen features, fitted in closed form.

The classifier is ridge regression onto one column for each class, and predicts the highest one. Its
penalty is the one with the lowest squared leave-one-out error, which is also known in closed form.
So the result needs no random start, no learning rate, and no set for validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscript import chance

PENALTIES = tuple(10.0**power for power in range(-4, 4))
"""Tried penalties, for features of length 1."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Split(NamedTuple):
    """The images to fit on and the images to test on, as row numbers."""

    fit: Ints
    test: Ints


class Probe(NamedTuple):
    """A fitted classifier."""

    weights: Floats
    """Features x classes."""
    bias: Floats
    penalty: float

    def predict(self, features: NDArray[np.float32]) -> Ints:
        """Give the class of each row."""
        found: Ints = (features @ self.weights + self.bias).argmax(1)
        return found


def draw_split(paths: Sequence[str], labels: Ints, of_class: float, draw: int) -> Split:
    """Draw images of each class to fit on; the others are for the test.

    ``of_class`` is a number of images, or, below 1, a share. At least one image of each class stays
    for the test. An image's draw depends on its path, so the order of the file has no effect.
    """
    order = sorted(
        range(len(paths)), key=lambda row: (chance.uniform(draw, paths[row], "probe"), paths[row])
    )
    drawn = np.array(order, np.int64)
    fit = np.zeros(len(paths), bool)
    for label in np.unique(labels):
        rows = drawn[labels[drawn] == label]
        wanted = int(of_class) if of_class >= 1 else round(of_class * len(rows))
        fit[rows[: min(wanted, len(rows) - 1)]] = True
    return Split(np.flatnonzero(fit), np.flatnonzero(~fit))


def fit_probe(features: NDArray[np.float32], labels: Ints, classes: int) -> Probe:
    """Fit a probe on features (rows) and the class numbers of the rows."""
    rows = features.astype(np.float64)
    wanted = np.eye(classes)[labels]
    mean, level = rows.mean(0), wanted.mean(0)
    rows -= mean
    wanted -= level
    values, axes = np.linalg.eigh(rows.T @ rows)
    values = np.maximum(values, 0)
    turned = rows @ axes
    target = turned.T @ wanted
    errors = [_leave_one_out(turned, values, target, wanted, penalty) for penalty in PENALTIES]
    penalty = PENALTIES[int(np.argmin(errors))]
    weights = axes @ (target / (values + penalty)[:, None])
    return Probe(weights, level - mean @ weights, penalty)


def _leave_one_out(
    turned: Floats, values: Floats, target: Floats, wanted: Floats, penalty: float
) -> float:
    """Give the mean squared error of each row under the fit on the other rows."""
    leverage = (turned**2) @ (1 / (values + penalty)) + 1 / len(turned)
    missed = wanted - turned @ (target / (values + penalty)[:, None])
    return float(np.mean((missed / np.maximum(1 - leverage, 1e-9)[:, None]) ** 2))
