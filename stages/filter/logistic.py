"""Cross-fitted logistic regression on a few columns, and the figures that tell how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_RIDGE = 1.0
"""Weight of the penalty on the squared coefficients of standardised columns (C = 1 of
scikit-learn). It keeps them finite if the columns separate the labels."""
_STEPS = 100
_SMALL = 1e-10
_BINS = 10


class Model(NamedTuple):
    """A linear function of the columns; its logistic function is the probability of the label 1."""

    intercept: float
    coefficients: np.ndarray
    """One for each column, for the values as they are in the input."""

    def logits(self, values: np.ndarray) -> np.ndarray:
        """Give the log odds of rows of values."""
        result: np.ndarray = self.intercept + values @ self.coefficients
        return result


def fit(values: np.ndarray, labels: np.ndarray) -> Model:
    """Fit a logistic regression with a ridge penalty by Newton's method.

    ``values`` is (rows, columns), ``labels`` is 0 or 1.
    """
    mean, spread = values.mean(axis=0), values.std(axis=0)
    spread[spread == 0] = 1
    design = np.column_stack([np.ones(len(values)), (values - mean) / spread])
    ridge = np.diag([0.0, *[_RIDGE] * values.shape[1]])
    weights = np.zeros(design.shape[1])

    def loss(weights: np.ndarray) -> float:
        logits = design @ weights
        fits = np.logaddexp(0, logits) - labels * logits
        return float(fits.sum() + weights @ ridge @ weights / 2)

    for _ in range(_STEPS):
        odds = _logistic(design @ weights)
        slope = design.T @ (odds - labels) + ridge @ weights
        curve = (design * (odds * (1 - odds))[:, None]).T @ design + ridge
        step, size = np.linalg.solve(curve, slope), 1.0
        while loss(weights - size * step) > loss(weights) and size > _SMALL:
            size /= 2
        weights = weights - size * step
        if np.abs(step).max() < _SMALL:
            break
    coefficients = weights[1:] / spread
    return Model(float(weights[0] - coefficients @ mean), coefficients)


def cross_fit(
    values: np.ndarray, labels: np.ndarray, folds: np.ndarray
) -> tuple[Model, np.ndarray]:
    """Fit a model without each fold. Returns their mean, and log odds from the model without a row.

    The mean of linear functions is linear, so the mean of the models is one model.
    """
    logits = np.empty(len(labels))
    models = []
    for fold in np.unique(folds):
        inside = folds == fold
        models.append(fit(values[~inside], labels[~inside]))
        logits[inside] = models[-1].logits(values[inside])
    intercept = float(np.mean([model.intercept for model in models]))
    return Model(intercept, np.mean([model.coefficients for model in models], axis=0)), logits


def area_under_curve(scores: np.ndarray, labels: np.ndarray) -> float:
    """Give the probability that a pair of label 1 has the higher score than one of label 0."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # equal scores share their mean rank
    ones = int(labels.sum())
    zeros = len(labels) - ones
    return float((ranks[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


class Bin(NamedTuple):
    """Labelled pairs of similar probability."""

    pairs: int
    predicted: float
    """Their mean probability, from models that did not see them."""
    observed: float
    """Their share of label 1."""


def calibrate(logits: np.ndarray, labels: np.ndarray) -> Sequence[Bin]:
    """Compare probabilities and labels in ten parts of equal size, the lowest first."""
    order = np.argsort(logits, kind="stable")
    return [
        Bin(len(part), float(_logistic(logits[part]).mean()), float(labels[part].mean()))
        for part in np.array_split(order, _BINS)
        if len(part)
    ]


def _logistic(logits: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.exp(-np.logaddexp(0, -logits))
    return result
