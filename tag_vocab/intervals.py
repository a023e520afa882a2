"""95 % intervals of a classifier's figures, by the bootstrap over tags or over keys."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tag_vocab.classifier import Ints, TrainingTags
from tag_vocab.encoders import Vectors
from tag_vocab.likeness import base_key

Counts = npt.NDArray[np.float64]

SAMPLES = 5000
_AT_ONCE = 500
"""Samples that are in memory together."""


class Intervals(NamedTuple):
    """The 2.5th and the 97.5th percentile of each figure."""

    balanced: tuple[float, float]
    f1: tuple[float, float]
    exact: tuple[float, float]
    within_one: tuple[float, float]


def of_labels(known: TrainingTags, chance: Vectors, step: Ints, by_key: bool) -> Intervals:
    """Give the intervals on the labels; with ``by_key``, whole keys are drawn.

    ``chance`` is the probability of each tag that it is visible, ``step`` the step that is said.
    """
    rows = np.flatnonzero(known.by_hand)
    keys = np.array([base_key(known.tags[row][0]) for row in rows])
    groups = np.unique(keys, return_inverse=True)[1] if by_key else np.arange(len(rows))
    return intervals(known.step[rows], (chance[rows] >= 0.5).astype(np.int64), step[rows], groups)


def as_text(found: Intervals) -> str:
    """Give intervals in words."""
    names = ("balanced accuracy", "F1", "GSD exact", "within one step")
    pairs = zip(names, found, strict=True)
    return ", ".join(f"{name} {low:.3f} to {high:.3f}" for name, (low, high) in pairs)


def intervals(truth: Ints, said: Ints, step: Ints, groups: Ints) -> Intervals:
    """Give the intervals of some tags' figures.

    ``truth`` is the step of each tag and -1 if it is not visible; ``said`` is 1 if the tag is
    called visible, else 0; ``step`` is the step that is said, and -1 where none is. Tags of the
    same group are drawn together: tags of one key are alike, so that they count as less than so
    many single ones.
    """
    counts = _counts(truth, said == 1, step)
    _, place = np.unique(groups, return_inverse=True)
    by_group = np.zeros((place.max() + 1, counts.shape[1]))
    np.add.at(by_group, place, counts)
    random = np.random.default_rng(0)
    figures = [_figures(_resampled(by_group, random)) for _ in range(SAMPLES // _AT_ONCE)]
    low, high = np.nanpercentile(np.concatenate(figures), [2.5, 97.5], axis=0)
    pairs = zip(low.tolist(), high.tolist(), strict=True)
    return Intervals(*pairs)


def _counts(truth: Ints, said: npt.NDArray[np.bool_], step: Ints) -> Counts:
    """Give what each tag adds to the sums that the figures come from."""
    seen, both = truth >= 0, (truth >= 0) & (step >= 0)
    columns = (
        *(seen & said, seen & ~said, ~seen & said, ~seen & ~said),
        *(both & (truth == step), both & (abs(truth - step) <= 1), both),
    )
    return np.column_stack(columns).astype(np.float64)


def _resampled(by_group: Counts, random: np.random.Generator) -> Counts:
    """Give the sums of some samples, each of as many groups as there are, with replacement."""
    size = len(by_group)
    times = random.multinomial(size, np.full(size, 1 / size), _AT_ONCE)
    result: Counts = times @ by_group
    return result


def _figures(sums: Counts) -> Counts:
    found, missed, wrong, left, exact, near, both = sums.T
    with np.errstate(invalid="ignore"):  # a small sample may have no tag of a kind
        balanced = (found / (found + missed) + left / (left + wrong)) / 2
        f1 = 2 * found / (2 * found + wrong + missed)
        return np.column_stack([balanced, f1, exact / both, near / both])
