"""The classifier, a logistic regression on CLIP vectors, and its cross-validation.

Each example is judged by a classifier that is trained on the other folds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray
from pydantic import Field

from pipeline.errors import InputError
from pipeline.schema import STATUS_OK
from pipeline.stage import DatasetStage, StageConfig
from pipeline.storage import Place
from skyscript import chance
from stages.laion_rs import tables

Numbers = NDArray[np.float64]


class ClassifierConfig(StageConfig):
    """Options of the training."""

    seed: int = Field(0, description="Seed the random draw of the folds.")
    folds: int = Field(5, ge=2, le=20, description="Cross-validate with this many folds.")
    inverse_penalty: float = Field(
        100.0,
        gt=0,
        description="Set C of the logistic regression. A larger value fits the examples more "
        "closely.",
    )


class Classifier(NamedTuple):
    """The weights, one for each component of a unit vector, and the intercept."""

    weights: Numbers
    intercept: float

    def probability(self, vectors: NDArray[np.float32]) -> Numbers:
        """Return the probability that each image is a remote-sensing image."""
        logits = vectors.astype(np.float64) @ self.weights + self.intercept
        return 1.0 / (1.0 + np.exp(-np.clip(logits, -500, 500)))


def train_classifier(
    examples: ds.Dataset,
    *,
    config: ClassifierConfig,
    root: Place,  # noqa: ARG001 - one signature for all stages
) -> Iterator[pa.Table]:
    """Train on the examples and cross-validate. Raises `InputError` if there are too few."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    ok = pc.field("status") == STATUS_OK
    table = examples.to_table(columns=["remote_sensing", "vector", "content_hash"], filter=ok)
    truth = table["remote_sensing"].to_numpy(zero_copy_only=False).astype(bool)
    vectors = np.array(table["vector"].to_pylist(), np.float32)
    hashes: list[str] = table["content_hash"].to_pylist()
    for kind, name in ((True, "remote-sensing"), (False, "other")):
        if (count := int((truth == kind).sum())) < config.folds:
            raise InputError(
                f"there are {count} usable {name} examples; {config.folds} folds need at least "
                f"{config.folds}, and a good classifier needs some hundreds."
            )
    folds = _draw_folds(truth, hashes, config)
    found = np.zeros(len(truth))
    for fold in range(config.folds):
        rest = folds != fold
        found[~rest] = _fit(vectors[rest], truth[rest], config).probability(vectors[~rest])
    whole = _fit(vectors, truth, config)
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


def _fit(
    vectors: NDArray[np.float32], truth: NDArray[np.bool_], config: ClassifierConfig
) -> Classifier:
    """Fit a classifier. Both kinds have the same total weight."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise InputError(
            "the classifier needs scikit-learn: pip install 'skyscript[laion]'"
        ) from None
    model = LogisticRegression(C=config.inverse_penalty, class_weight="balanced", max_iter=5000)
    model.fit(vectors.astype(np.float64), truth)
    return Classifier(model.coef_[0].astype(np.float64), float(model.intercept_[0]))


def _draw_folds(
    truth: NDArray[np.bool_], hashes: list[str], config: ClassifierConfig
) -> NDArray[np.int64]:
    """Assign each kind's examples to folds, in a random order that their content decides."""
    folds = np.zeros(len(truth), np.int64)
    draws = np.array([chance.uniform(config.seed, key, "fold") for key in hashes])
    for kind in (True, False):
        rows = np.flatnonzero(truth == kind)
        folds[rows[np.argsort(draws[rows], kind="stable")]] = np.arange(len(rows)) % config.folds
    return folds


class TrainedClassifier(NamedTuple):
    """The only row of the table."""

    classifier: Classifier
    remote_sensing: Numbers
    """Cross-validated probabilities of the examples, ascending."""
    other: Numbers
    auc: float
    average_precision: float


def read_classifier(table: ds.Dataset) -> TrainedClassifier:
    """Read the classifier from its table."""
    (row,) = table.to_table().to_pylist()
    return TrainedClassifier(
        Classifier(np.array(row["weights"]), row["intercept"]),
        np.array(row["remote_sensing"]),
        np.array(row["other"]),
        row["auc"],
        row["average_precision"],
    )


class ThresholdQuality(NamedTuple):
    """The quality of a threshold, by cross-validation."""

    threshold: float
    recall: float
    """Share of the remote-sensing examples at or above the threshold."""
    false_positives: int
    """Number of other examples at or above the threshold."""
    false_positive_rate: float
    """Smoothed as (found + 1) / (examples + 2), so that it is never 0."""
    precision: float
    """Precision if the share ``prevalence`` of all images are remote-sensing images."""


def rate_threshold(
    classifier: TrainedClassifier, threshold: float, prevalence: float
) -> ThresholdQuality:
    """Compute the quality of a threshold."""
    recall = float((classifier.remote_sensing >= threshold).mean())
    wrong = int((classifier.other >= threshold).sum())
    rate = (wrong + 1) / (len(classifier.other) + 2)
    hits = prevalence * recall
    precision = hits / (hits + (1 - prevalence) * rate) if hits else 0.0
    return ThresholdQuality(threshold, recall, wrong, rate, precision)


def choose_threshold(
    classifier: TrainedClassifier, precision: float, prevalence: float
) -> ThresholdQuality:
    """Choose the lowest threshold that reaches a precision, else the most precise threshold."""
    values = np.unique(np.concatenate([classifier.remote_sensing, classifier.other]))
    every = [rate_threshold(classifier, float(value), prevalence) for value in values]
    good = [one for one in every if one.precision >= precision]
    return good[0] if good else max(every, key=lambda one: (one.precision, -one.threshold))


CLASSIFIER = DatasetStage(
    "classifier",
    train_classifier,
    ClassifierConfig,
    reads=(tables.EXAMPLES,),
    writes=tables.CLASSIFIER,
)
