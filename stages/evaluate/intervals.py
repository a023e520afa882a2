"""Confidence intervals of a set's figures, by the bootstrap over its images.

A resample draws as many images as the set has, with replacement, and each image brings its texts
along: captions of one image are not independent. Images with equal results are interchangeable, so
their numbers in a resample follow a multinomial distribution over the distinct results. This is the
same bootstrap, and its cost depends on the distinct results, not on the images. An interval is of
the choice of the images only: prompts, training and precision have their own uncertainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
SEED = 0

Floats = NDArray[np.float64]


class Measured(NamedTuple):
    """What each image contributes to a mean over queries: its results, and its queries."""

    results: NDArray[np.int64]
    """By image and figure, the number of its queries that succeed."""
    queries: NDArray[np.int64]
    """By image, the number of its queries."""

    @classmethod
    def of(cls, hits: NDArray[np.bool_], image_of: NDArray[np.int64], count: int) -> Measured:
        """Sum the hits, by query and figure, of the queries of each of ``count`` images."""
        columns = [np.bincount(image_of, column, count) for column in hits.T]
        results = np.stack(columns, 1).astype(np.int64)
        return cls(results, np.bincount(image_of, minlength=count))


def resample(parts: Sequence[Measured], resamples: int = RESAMPLES) -> list[Floats]:
    """Draw the means of each part's figures, resamples x figures; one draw of images for all."""
    rows = np.concatenate([np.c_[part.results, part.queries] for part in parts], 1)
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    draws = np.random.default_rng(SEED).multinomial(
        counts.sum(), counts / counts.sum(), size=resamples
    )
    sums = draws @ distinct
    found, start = [], 0
    for part in parts:
        end = start + part.results.shape[1]
        found.append(sums[:, start:end] / np.maximum(sums[:, end : end + 1], 1))
        start = end + 1
    return found


def interval(draws: Floats) -> list[float]:
    """Give the lowest and the highest value of the interval: the percentiles of the draws."""
    return [float(end) for end in np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])]


def accuracy_intervals(true_rank: NDArray[np.int64], at: Sequence[int]) -> list[list[float]]:
    """Give the interval of the accuracy at each rank; one image is one query."""
    hits = np.stack([true_rank <= k for k in at], 1)
    images = np.arange(len(true_rank))
    (draws,) = resample([Measured.of(hits, images, len(images))])
    return [interval(column) for column in draws.T]


def share_interval(hits: NDArray[np.bool_], image_of: NDArray[np.int64]) -> list[float]:
    """Give the interval of the share of queries that succeed, by a bootstrap over images.

    ``image_of`` are the numbers of the queries' images, from 0 on.
    """
    (draws,) = resample([Measured.of(hits[:, None], image_of, int(image_of.max()) + 1)])
    return interval(draws[:, 0])


def mean_interval(shares: Sequence[float], images: Sequence[int]) -> list[float]:
    """Give the interval of the mean of sets' accuracies; the sets are drawn independently."""
    draw = np.random.default_rng(SEED)
    sets = [
        draw.binomial(count, share, RESAMPLES) / count
        for share, count in zip(shares, images, strict=True)
    ]
    return interval(np.mean(sets, 0))


def describe_intervals() -> dict[str, float | int | str]:
    """Give the part of `results.json` that says how intervals were made."""
    return {"level": LEVEL, "resamples": RESAMPLES, "seed": SEED, "drawn": "images of a set"}
