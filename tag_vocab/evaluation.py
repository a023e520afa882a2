"""Cross-validated figures of the classifiers, of simple rules and of the paper's regression.

*New tags*: ten folds by spelling, so the key of a held-out tag is mostly known. *New keys*: each
key is held out with all its tags, so nothing about it is known. README has the aims of both.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tag_vocab import classifier, files
from tag_vocab.classifier import Folds, Ints, Ridge, TrainingTags
from tag_vocab.encoders import Encoder, Vectors
from tag_vocab.intervals import Intervals, as_text, of_labels
from tag_vocab.likeness import PARTS, Described, describe, likeness
from tag_vocab.vocabulary import key_rule

Trials = list[tuple[str, Folds]]
Bools = npt.NDArray[np.bool_]


class SeenScores(NamedTuple):
    """How well a classifier or a rule decides whether a tag is visible.

    The figures ``..._with_sure`` are on the labels and on one tag of each key that the rules call
    never visible (sure negatives). The other figures are on the labels alone.
    """

    f1_with_sure: float
    auc_with_sure: float
    balanced: float
    auc: float
    f1: float

    found: tuple[float, ...]
    """For each step of the maximum GSD, the share of the visible tags that are found visible."""


class StepScores(NamedTuple):
    """How well a classifier finds the step of the maximum GSD, as shares of the visible tags."""

    exact: float
    within_one: float


class Line(NamedTuple):
    """One way to decide, with its figures."""

    name: str
    on: str
    seen: SeenScores
    step: StepScores | None
    intervals: Intervals | None = None


def evaluate(encoder: Encoder) -> list[Line]:
    """Evaluate the baselines, then the classifier with its parts added one by one."""
    known = classifier.training_tags()
    described = describe(known.tags, encoder)
    trials: Trials = [
        ("new tags", classifier.spelling_folds(known.tags)),
        ("new keys", classifier.key_folds(known.tags)),
    ]
    lines = list(_baselines(known))
    lines += [_paper(known, described.both, on, folds) for on, folds in trials]
    for last, part in enumerate(PARTS, 1):
        alike = likeness(described, described, PARTS[:last])
        lines += _lines(f"+ {part}" if last > 1 else part, known, alike, trials)
    lines += _by_size(known, likeness(described, described), trials)
    lines += _chosen_within(known, described, trials)
    return lines


def as_table(lines: Sequence[Line], known: TrainingTags) -> str:
    """Give the figures as a Markdown table, below the counts."""
    shown = int(known.seen.sum())
    head = (
        f"{int(known.by_hand.sum())} labels, {shown} of them visible, and "
        f"{int((~known.by_hand).sum())} sure negatives.\n\n"
        "| decided by | on | balanced accuracy | ROC-AUC | F1 | AUC, F1 with sure negatives "
        "| GSD exact | within one step |\n|---|---|---|---|---|---|---|---|\n"
    )
    best = next(line for line in lines if line.name.endswith(PARTS[-1]))
    found = ", ".join(
        f"{gsd:g} m {share:.2f}" for gsd, share in zip(files.GSDS, best.seen.found, strict=True)
    )
    tail = f"\nNew tags, all parts: share found of the tags visible up to {found}.\n"
    spread = [
        f"{line.name}, {line.on}: {as_text(line.intervals)}" for line in lines if line.intervals
    ]
    below = "\n".join(["", "95 % intervals:", *spread, ""])
    return head + "".join(_row(line) for line in lines) + tail + below


def _row(line: Line) -> str:
    seen = line.seen
    step = ("", "") if line.step is None else tuple(f"{share:.3f}" for share in line.step)
    return (
        f"| {line.name} | {line.on} | {seen.balanced:.3f} | {seen.auc:.3f} | {seen.f1:.3f} "
        f"| {seen.auc_with_sure:.3f}, {seen.f1_with_sure:.3f} | {step[0]} | {step[1]} |\n"
    )


def _baselines(known: TrainingTags) -> Iterator[Line]:
    always = np.ones(len(known.tags), bool)
    in_id = np.array([bool(files.universe().get(tag, ("",))[0]) for tag in known.tags])
    rules = [key_rule(key) for key, _ in known.tags]
    by_key = np.array([bool(rule) and rule.rule != "never" for rule in rules])  # type: ignore[union-attr]
    step = known.step[known.seen]
    usual = np.full(len(step), np.bincount(step).argmax())
    yield Line("all visible", "", _seen(known, always, always * 1.0), _step(step, usual))
    yield Line("in iD", "", _seen(known, in_id, in_id * 1.0), None)
    yield Line("key default only", "new tags", _seen(known, by_key, by_key * 1.0), None)


def _lines(name: str, known: TrainingTags, alike: Vectors, trials: Trials) -> Iterator[Line]:
    """Yield a line for each trial of the classifiers with one kernel."""
    shown = np.flatnonzero(known.seen)
    truth = known.step[shown]
    first = Ridge(alike, classifier.seen_targets(known.seen))
    second = Ridge(alike[np.ix_(shown, shown)], classifier.step_targets(truth))
    for on, folds in trials:
        chance = _cross_fitted(first.held_out(folds)[:, 0], known.seen, folds)
        step = classifier.to_step(second.held_out(_within(folds, shown)))
        yield Line(name, on, _seen(known, chance >= 0.5, chance), _step(truth, step))


def _by_size(known: TrainingTags, alike: Vectors, trials: Trials) -> Iterator[Line]:
    """Yield the figures of the GSDs that learned sizes and kinds give, alone and beside the steps.

    The name says how often the kind is right, and the size within a factor of two.
    """
    shown = np.flatnonzero(known.seen)
    truth, of_sizes = known.step[shown], classifier.size_targets([known.tags[i] for i in shown])
    first = Ridge(alike, classifier.seen_targets(known.seen))
    within = alike[np.ix_(shown, shown)]
    sizes, steps = Ridge(within, of_sizes), Ridge(within, classifier.step_targets(truth))
    for on, folds in trials:
        some = _within(folds, shown)
        scores, chance = sizes.held_out(some), first.held_out(folds)[:, 0]
        chance = _cross_fitted(chance, known.seen, folds)
        kind = np.mean(scores[:, 1:].argmax(1) == of_sizes[:, 1:].argmax(1))
        near = np.mean(abs(scores[:, 0] - of_sizes[:, 0]) <= np.log10(2))
        by_size = classifier.size_to_scores(scores)
        seen = _seen(known, chance >= 0.5, chance)
        for name, both in (
            (f"by size and kind (kind {kind:.3f}, size {near:.3f})", by_size),
            ("by steps, size and kind", steps.held_out(some) + by_size),
        ):
            yield Line(name, on, seen, _step(truth, classifier.to_step(both)))


SETTINGS = [(sharpness, ridge) for sharpness in (2.0, 3.0, 4.0) for ridge in (0.1, 0.2, 0.4)]
"""Candidates for the two numbers of the classifiers: sharpness of `likeness`, and ridge."""


class _Choice:
    """One stage and one trial: each tenth is scored by the best setting of the other nine."""

    def __init__(self, shape: tuple[int, ...], folds: Folds) -> None:
        self._folds, self._tens = folds, _in_tens(folds)
        self._error = np.full(len(self._tens), np.inf)
        self.scores = np.zeros(shape)

    def try_setting(self, regression: Ridge) -> None:
        """Try one more setting."""
        for number, rows in enumerate(self._tens):
            hidden = set(rows.tolist())
            others = [fold for fold in self._folds if int(fold[0]) not in hidden]
            error = regression.error_without(rows, others)
            if error < self._error[number]:
                self._error[number] = error
                self.scores[rows] = regression.held_out([rows])[rows]


def _chosen_within(known: TrainingTags, described: Described, trials: Trials) -> Iterator[Line]:
    """Yield the figures with settings chosen for each tenth by the other nine.

    The weights of the parts are not chosen again: they were chosen on all folds. For the new tags,
    the figures on the tags with two labels follow.
    """
    shown = np.flatnonzero(known.seen)
    seen, step = classifier.seen_targets(known.seen), classifier.step_targets(known.step[shown])
    firsts = [_Choice(seen.shape, folds) for _, folds in trials]
    seconds = [_Choice(step.shape, _within(folds, shown)) for _, folds in trials]
    for sharpness, settings in itertools.groupby(sorted(SETTINGS), lambda setting: setting[0]):
        alike = likeness(described, described, sharpness=sharpness)
        within = alike[np.ix_(shown, shown)]
        for _, ridge in settings:
            for choices, regression in (
                (firsts, Ridge(alike, seen, ridge)),
                (seconds, Ridge(within, step, ridge)),
            ):
                for choice in choices:
                    choice.try_setting(regression)
    for (on, folds), first, second in zip(trials, firsts, seconds, strict=True):
        chance = _cross_fitted(first.scores[:, 0], known.seen, folds)
        predicted = np.full(len(known.tags), -1)
        predicted[shown] = classifier.to_step(second.scores)
        line = _judged("settings chosen within each fold", on, known, chance, predicted)
        yield line._replace(intervals=of_labels(known, chance, predicted, on == "new keys"))
        if on == "new tags":
            for number in (1, 2, 3):
                yield from _beside_second_labels(number, known, chance, predicted)


def _beside_second_labels(
    number: int, known: TrainingTags, chance: Vectors, predicted: Ints
) -> Iterator[Line]:
    """Yield the agreement of a blind labelling and of the classifiers with the labels."""
    second = files.second_labels(number)
    rows = np.array([row for row, tag in enumerate(known.tags) if tag in second], np.int64)
    if not len(rows):
        return
    tags = [known.tags[row] for row in rows]
    some = TrainingTags(tags, known.seen[rows], known.step[rows], known.by_hand[rows])
    gsds = [second[tag] for tag in some.tags]
    steps = np.array([files.GSDS.index(gsd) if gsd else -1 for gsd in gsds])
    on = f"{len(rows)} tags"
    yield _judged(f"blind labelling {number}", on, some, (steps >= 0).astype(np.float64), steps)
    yield _judged("the classifiers, on the same", on, some, chance[rows], predicted[rows])


def _judged(name: str, on: str, known: TrainingTags, chance: Vectors, step: Ints) -> Line:
    """Give a line; steps are compared where both call the tag visible."""
    both = known.seen & (step >= 0)
    figures = _step(known.step[both], step[both])
    return Line(name, on, _seen(known, chance >= 0.5, chance), figures)


def _cross_fitted(scores: Vectors, seen: Bools, folds: Folds) -> Vectors:
    """Give probabilities; the curve of each fold is fitted on the scores of the other folds."""
    chance = np.empty_like(scores)
    for rows in _in_tens(folds):
        others = np.setdiff1d(np.arange(len(scores)), rows)
        chance[rows] = classifier.fit_curve(scores[others], seen[others])(scores[rows])
    return chance


def _paper(known: TrainingTags, vectors: Vectors, on: str, folds: Folds) -> Line:
    """Two logistic regressions on the embedding of "key value", as in the paper."""
    from sklearn.linear_model import LogisticRegression

    chance = np.empty(len(vectors))
    step = np.zeros(len(vectors), np.int64)
    for rows in _in_tens(folds):
        others = np.setdiff1d(np.arange(len(vectors)), rows)
        shown = others[known.seen[others]]
        with warnings.catch_warnings(action="ignore"):  # the fit stops at its last step
            first = LogisticRegression(C=3).fit(vectors[others], known.seen[others])
            second = LogisticRegression(C=3).fit(vectors[shown], known.step[shown])
        chance[rows] = first.predict_proba(vectors[rows])[:, 1]
        step[rows] = second.predict(vectors[rows])
    figures = _step(known.step[known.seen], step[known.seen])
    return Line("logistic regression", on, _seen(known, chance >= 0.5, chance), figures)


def _in_tens(folds: Folds) -> Folds:
    """Join folds into ten, for models without a closed form."""
    ten = [folds[start :: classifier.FOLDS] for start in range(classifier.FOLDS)]
    return [np.concatenate(some) for some in ten if some]


def _within(folds: Folds, rows: Ints) -> Folds:
    """Give the folds of a subset, numbered within it."""
    place = {int(row): number for number, row in enumerate(rows)}
    parts = ([place[int(row)] for row in fold if int(row) in place] for fold in folds)
    return [np.array(part) for part in parts if part]


def _seen(known: TrainingTags, predicted: Bools, chance: Vectors) -> SeenScores:
    from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

    truth, hand = known.seen, known.by_hand
    return SeenScores(
        float(f1_score(truth, predicted)),
        float(roc_auc_score(truth, chance)),
        float(balanced_accuracy_score(truth[hand], predicted[hand])),
        float(roc_auc_score(truth[hand], chance[hand])),
        float(f1_score(truth[hand], predicted[hand])),
        tuple(_share(predicted[known.step == step]) for step in range(len(files.GSDS))),
    )


def _step(truth: Ints, predicted: Ints) -> StepScores:
    return StepScores(
        float(np.mean(truth == predicted)), float(np.mean(abs(truth - predicted) <= 1))
    )


def _share(predicted: Bools) -> float:
    return float(predicted.mean()) if predicted.size else 0.0
