"""The classifier: logistic regression on CLIP vectors, and what it is worth.

Its figures come from examples that it has not seen: each is judged by a classifier trained on the
other folds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray
from pydantic import Field

from pipeline.errors import InputError
from pipeline.schema import STATUS_OK
from pipeline.stage import DatasetStage, StageConfig
from skyscript import chance
from stages.laion_rs import tables

Numbers = NDArray[np.float64]


class ClassifierConfig(StageConfig):
    """How it is trained."""

    seed: int = Field(0, description="Seed the random draw of the folds.")
    folds: int = Field(5, ge=2, le=20, description="Cross-validate with this many folds.")
    inverse_penalty: float = Field(
        100.0,
        gt=0,
        description="Set C of the logistic regression. A larger value fits the examples more "
        "closely.",
    )


class Classifier(NamedTuple):
    """Weights of a unit vector's numbers, and the intercept."""

    weights: Numbers
    intercept: float

    def probability(self, vectors: NDArray[np.float32]) -> Numbers:
        """Give how surely each image is of remote sensing."""
        logits = vectors.astype(np.float64) @ self.weights + self.intercept
        return 1.0 / (1.0 + np.exp(-np.clip(logits, -500, 500)))


def classifier(
    examples: ds.Dataset,
    *,
    config: ClassifierConfig,
    root: Path,  # noqa: ARG001 - one signature for all stages
) -> Iterator[pa.Table]:
    """Train on the examples and cross-validate. Raises `InputError` where there are too few."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    ok = pc.field("status") == STATUS_OK
    table = examples.to_table(columns=["remote_sensing", "vector", "content_hash"], filter=ok)
    truth = table["remote_sensing"].to_numpy(zero_copy_only=False).astype(bool)
    vectors = np.array(table["vector"].to_pylist(), np.float32)
    hashes: list[str] = table["content_hash"].to_pylist()
    for kind, name in ((True, "remote-sensing"), (False, "other")):
        if (count := int((truth == kind).sum())) < config.folds:
            raise InputError(
                f"there are {count} usable {name} examples; {config.folds} folds need as many at "
                "least, and some hundreds make a classifier."
            )
    folds = _folds(truth, hashes, config)
    found = np.zeros(len(truth))
    for fold in range(config.folds):
        rest = folds != fold
        found[~rest] = train(vectors[rest], truth[rest], config).probability(vectors[~rest])
    whole = train(vectors, truth, config)
    yield pa.table(
        {
            "name": ["remote sensing"],
            "weights": [whole.weights.tolist()],
            "intercept": [whole.intercept],
            "remote_sensing": [np.sort(found[truth]).tolist()],
            "other": [np.sort(found[~truth]).tolist()],
            "auc": [float(roc_auc_score(truth, found))],
            "average_precision": [float(average_precision_score(truth, found))],
        },
        schema=tables.CLASSIFIER.schema,
    )


def train(
    vectors: NDArray[np.float32], truth: NDArray[np.bool_], config: ClassifierConfig
) -> Classifier:
    """Fit; both kinds weigh the same, however many examples each has."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise InputError(
            "the classifier needs scikit-learn: pip install 'skyscript[laion]'"
        ) from None
    model = LogisticRegression(C=config.inverse_penalty, class_weight="balanced", max_iter=5000)
    model.fit(vectors.astype(np.float64), truth)
    return Classifier(model.coef_[0].astype(np.float64), float(model.intercept_[0]))


def _folds(
    truth: NDArray[np.bool_], hashes: list[str], config: ClassifierConfig
) -> NDArray[np.int64]:
    """Deal each kind's examples out to the folds, in an order drawn by their content."""
    folds = np.zeros(len(truth), np.int64)
    draws = np.array([chance.uniform(config.seed, key, "fold") for key in hashes])
    for kind in (True, False):
        rows = np.flatnonzero(truth == kind)
        folds[rows[np.argsort(draws[rows], kind="stable")]] = np.arange(len(rows)) % config.folds
    return folds


class Trained(NamedTuple):
    """The one row of the table."""

    classifier: Classifier
    remote_sensing: Numbers
    """Cross-validated probabilities of the examples, ascending."""
    other: Numbers
    auc: float
    average_precision: float


def trained(table: ds.Dataset) -> Trained:
    """Read it."""
    (row,) = table.to_table().to_pylist()
    return Trained(
        Classifier(np.array(row["weights"]), row["intercept"]),
        np.array(row["remote_sensing"]),
        np.array(row["other"]),
        row["auc"],
        row["average_precision"],
    )


class Worth(NamedTuple):
    """What a threshold is worth, on examples that the classifier has not seen."""

    threshold: float
    recall: float
    """Share of the remote-sensing examples at or over it."""
    false_positives: int
    """Other examples at or over it."""
    false_positive_rate: float
    """Smoothed, (found + 1) / (examples + 2): none found in few examples is no proof of none."""
    precision: float
    """Where ``prevalence`` of all images are of remote sensing."""

    def as_json(self) -> dict[str, Any]:
        """Give it for a report."""
        return self._asdict()


def worth(of: Trained, threshold: float, prevalence: float) -> Worth:
    """Say what a threshold is worth."""
    recall = float((of.remote_sensing >= threshold).mean())
    wrong = int((of.other >= threshold).sum())
    rate = (wrong + 1) / (len(of.other) + 2)
    hits = prevalence * recall
    precision = hits / (hits + (1 - prevalence) * rate) if hits else 0.0
    return Worth(threshold, recall, wrong, rate, precision)


def lowest_threshold(of: Trained, precision: float, prevalence: float) -> Worth:
    """Give the lowest threshold of at least a precision, or the most precise there is."""
    values = np.unique(np.concatenate([of.remote_sensing, of.other]))
    every = [worth(of, float(value), prevalence) for value in values]
    good = [one for one in every if one.precision >= precision]
    return good[0] if good else max(every, key=lambda one: (one.precision, -one.threshold))


CLASSIFIER = DatasetStage(
    "classifier",
    classifier,
    ClassifierConfig,
    reads=(tables.EXAMPLES,),
    writes=tables.CLASSIFIER,
)
