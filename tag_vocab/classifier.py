"""Two classifiers that learn from the labels: is a tag visible, and up to which GSD.

Both are kernel ridge regressions on `likeness` (the mean of a Gaussian process): stage I on visible
or not, stage II on the four questions "coarser than this step?". Their held-out scores have a
closed form, so a cross-validation costs one matrix inverse. A logistic curve, fitted on held-out
scores, turns stage I's score into a probability: one curve for keys that have labels, one for keys
that have none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from tag_vocab import files
from tag_vocab.encoders import Encoder, Vectors
from tag_vocab.files import GSDS, Guess
from tag_vocab.likeness import Tag, base_key, describe, likeness, spelling
from tag_vocab.sizes import PIXELS, SizeKind, sizes
from tag_vocab.vocabulary import key_rule

FOLDS = 10
RIDGE = 0.2
Ints = npt.NDArray[np.int64]
Folds = list[Ints]


class TrainingTags(NamedTuple):
    """The training data: the labels, and one tag of each key that is never visible."""

    tags: list[Tag]
    seen: npt.NDArray[np.bool_]
    step: Ints
    """The index of the maximum GSD in `GSDS`; -1 if the tag is not visible."""
    by_hand: npt.NDArray[np.bool_]
    """Whether it is a label; else it is a sure negative, by the rule of its key."""


def training_tags() -> TrainingTags:
    """Give the labels in their order, then the sure negatives.

    A sure negative is one known tag of a key that the rules call never visible and no label names.
    """
    labels = {tag: label for tag, label in files.labels().items() if tag[0] != files.ANY}
    labelled = {key for key, _ in labels}
    sure: dict[str, Tag] = {}
    for tag in files.universe():
        rule = key_rule(tag[0])
        if rule and rule.rule == "never" and tag[0] not in labelled:
            sure.setdefault(tag[0], tag)
    steps = [GSDS.index(label.max_gsd) if label.max_gsd else -1 for label in labels.values()]
    step = np.array(steps + [-1] * len(sure))
    by_hand = np.arange(len(step)) < len(labels)
    return TrainingTags([*labels, *sure.values()], step >= 0, step, by_hand)


def spelling_folds(tags: Sequence[Tag]) -> Folds:
    """Give ten folds by a hash of the spelling: no tag has a near duplicate in another fold."""
    names = [spelling(tag) for tag in tags]
    digests = [hashlib.blake2b(name.encode(errors="replace"), digest_size=4) for name in names]
    fold = np.array([int.from_bytes(digest.digest(), "big") % FOLDS for digest in digests])
    return [np.flatnonzero(fold == number) for number in range(FOLDS)]


def key_folds(tags: Sequence[Tag]) -> Folds:
    """Give a fold for each key."""
    keys = np.array([base_key(key) for key, _ in tags])
    return [np.flatnonzero(keys == key) for key in np.unique(keys)]


class Ridge:
    """A kernel ridge regression: ``scores`` for new rows, ``held_out`` for its own."""

    def __init__(self, alike: Vectors, targets: Vectors, ridge: float = RIDGE) -> None:
        self._middle = targets.mean(0)
        self._targets = targets - self._middle
        self._inverse = np.linalg.inv(alike + ridge * np.eye(len(alike)))
        self._weights = self._inverse @ self._targets

    def scores(self, alike: Vectors) -> Vectors:
        """Give the scores of new rows from their likeness to the training rows."""
        result: Vectors = alike @ self._weights + self._middle
        return result

    def held_out(self, folds: Folds) -> Vectors:
        """Give each row's score by the regression trained without its fold."""
        result: Vectors = np.empty_like(self._targets)
        for rows in folds:
            block = self._inverse[np.ix_(rows, rows)]
            result[rows] = self._targets[rows] - np.linalg.solve(block, self._weights[rows])
        result += self._middle
        return result

    def error_without(self, hidden: Ints, folds: Folds) -> float:
        """Give the mean squared error on held-out folds of a regression trained without ``hidden``.

        It chooses the settings for the rows ``hidden``, which take no part in the choice.
        """
        across = self._inverse[:, hidden]
        solved = np.linalg.solve(across[hidden], across.T)
        targets = self._targets.copy()
        targets[hidden] = 0
        weights = self._inverse @ targets - across @ (solved @ targets)
        total, count = 0.0, 0
        for rows in folds:
            block = self._inverse[np.ix_(rows, rows)] - across[rows] @ solved[:, rows]
            errors = np.linalg.solve(block, weights[rows])
            total, count = total + float((errors**2).sum()), count + errors.size
        return total / count


class Curve(NamedTuple):
    """A logistic curve."""

    slope: float
    offset: float

    def __call__(self, scores: Vectors) -> Vectors:
        """Give the probabilities of scores."""
        result: Vectors = 1 / (1 + np.exp(-(self.slope * scores + self.offset)))
        return result


def fit_curve(scores: Vectors, truth: npt.NDArray[np.bool_]) -> Curve:
    """Fit a logistic curve to scores by Newton's method."""
    rows = np.stack([scores, np.ones_like(scores)], 1)
    line = np.array([1.0, 0.0])
    for _ in range(30):
        chance = Curve(*line)(scores)
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + 1e-6 * np.eye(2)
        line = line + np.linalg.solve(bend, rows.T @ (truth - chance))
    return Curve(float(line[0]), float(line[1]))


def seen_targets(seen: npt.NDArray[np.bool_]) -> Vectors:
    """Give stage I's targets: 1 and -1."""
    result: Vectors = np.where(seen, 1.0, -1.0)[:, None]
    return result


def step_targets(step: Ints) -> Vectors:
    """Give stage II's targets: a column for each step but the last, 1 where it is coarser."""
    result: Vectors = np.where(step[:, None] > np.arange(len(GSDS) - 1), 1.0, -1.0)
    return result


KINDS: tuple[SizeKind, ...] = get_args(SizeKind)


def size_targets(tags: Sequence[Tag]) -> Vectors:
    """Give the targets for sizes: log10 of the metres, then a column for each kind, 1 or -1."""
    known = [sizes()[tag] for tag in tags]
    kinds = [[1.0 if size.kind == kind else -1.0 for kind in KINDS] for size in known]
    return np.column_stack([np.log10([size.metres for size in known]), np.array(kinds)])


def size_to_scores(scores: Vectors) -> Vectors:
    """Give scores of stage II from those of `size_targets`, one for each step of GSD.

    It is 1 if the thing has twice the size that the step asks, or more; -1 if it has half of it.
    """
    pixels = np.array([PIXELS[kind] for kind in KINDS])[scores[:, 1:].argmax(1)]
    limit = scores[:, 0] - np.log10(pixels)
    steps = (limit[:, None] - np.log10(GSDS[1:])) / np.log10(2)
    result: Vectors = np.clip(steps, -1, 1)
    return result


def to_step(scores: Vectors) -> Ints:
    """Give the step that stage II's scores name."""
    result: Ints = (scores > 0).sum(1)
    return result


class Classifiers:
    """Both stages, trained on all training tags."""

    def __init__(self, encoder: Encoder) -> None:
        self.training_tags = training_tags()
        self._encoder = encoder
        self._known = describe(self.training_tags.tags, encoder)
        self._keys = {base_key(key) for key, _ in self.training_tags.tags}
        seen = self.training_tags.seen
        alike = likeness(self._known, self._known)
        self._first = Ridge(alike, seen_targets(seen))
        by_spelling = self._first.held_out(spelling_folds(self.training_tags.tags))[:, 0]
        by_key = self._first.held_out(key_folds(self.training_tags.tags))[:, 0]
        self._curves = fit_curve(by_spelling, seen), fit_curve(by_key, seen)
        shown = np.flatnonzero(seen)
        self._second = Ridge(
            alike[np.ix_(shown, shown)], step_targets(self.training_tags.step[shown])
        )

    def guess(self, tags: Sequence[Tag]) -> list[Guess]:
        """Give the guesses for tags, with probabilities in hundredths."""
        return self.guess_with_nearest(tags, 0)[0]

    def guess_with_nearest(
        self, tags: Sequence[Tag], count: int
    ) -> tuple[list[Guess], list[list[tuple[Tag, float]]]]:
        """Give the guesses and, for each tag, its nearest labels with their likeness."""
        if not tags:
            return [], []
        alike = likeness(describe(tags, self._encoder), self._known)
        first = self._first.scores(alike)[:, 0]
        known = np.array([base_key(key) in self._keys for key, _ in tags])
        chance = np.where(known, self._curves[0](first), self._curves[1](first)).round(2)
        steps = to_step(self._second.scores(alike[:, self.training_tags.seen]))
        guesses = [
            Guess(bool(p >= 0.5), float(p), GSDS[step] if p >= 0.5 else None)
            for p, step in zip(chance, steps, strict=True)
        ]
        nearest = np.argsort(-alike, axis=1, kind="stable")[:, :count]
        nearest_labels = [
            [(self.training_tags.tags[column], float(row[column])) for column in columns]
            for row, columns in zip(alike, nearest, strict=True)
        ]
        return guesses, nearest_labels
