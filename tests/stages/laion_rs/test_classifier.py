"""Figures of the classifier, against plain counting."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

pytest.importorskip("sklearn")

from pipeline.errors import InputError
from stages.laion_rs import tables
from stages.laion_rs.classifier import (
    Classifier,
    ClassifierConfig,
    TrainedClassifier,
    choose_threshold,
    rate_threshold,
    read_classifier,
    train_classifier,
)


def table_of(apart: float, count: int = 40) -> ds.Dataset:
    """Give examples whose kinds stand a distance apart."""
    draw = np.random.default_rng(0)
    rows = []
    for number in range(2 * count):
        is_ours = number % 2 == 0
        vector = draw.normal(0, 1, 8) + (apart if is_ours else 0)
        rows.append(
            {
                "filepath": f"{number}.jpg",
                "remote_sensing": is_ours,
                "vector": (vector / np.linalg.norm(vector)).tolist(),
                "content_hash": f"{number:032x}",
                "status": "ok",
            }
        )
    rows.append({"filepath": "bad.jpg", "remote_sensing": True, "status": "failed"})
    return ds.dataset(pa.Table.from_pylist(rows, schema=tables.EXAMPLES.schema))


def train(examples: ds.Dataset, **options: float) -> TrainedClassifier:
    config = ClassifierConfig.model_validate(options)
    parts = train_classifier(examples, config=config, root=Path())
    return read_classifier(ds.dataset(next(parts)))


def test_the_cross_validated_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    found = train(table_of(0.5))
    ours, others = found.remote_sensing[:, None], found.other[None, :]
    plain = ((ours > others) + 0.5 * (ours == others)).mean()
    assert found.auc == pytest.approx(plain, rel=1e-9)
    assert 0.6 < found.auc < 0.999


def test_kinds_that_do_not_differ_are_not_told_apart() -> None:
    assert 0.3 < train(table_of(0.0)).auc < 0.7


def test_the_same_examples_give_the_same_classifier() -> None:
    first, second = train(table_of(0.5)), train(table_of(0.5))
    assert (first.classifier.weights == second.classifier.weights).all()
    assert (first.remote_sensing == second.remote_sensing).all()


def test_a_larger_c_follows_the_examples_more_closely() -> None:
    free, held = train(table_of(0.5)), train(table_of(0.5), inverse_penalty=0.01)
    assert np.linalg.norm(held.classifier.weights) < np.linalg.norm(free.classifier.weights) / 10


def test_too_few_examples_are_counted() -> None:
    with pytest.raises(InputError, match="there are 3 usable remote-sensing examples; 5 folds"):
        train(table_of(0.5, count=3))


NONE = Classifier(np.zeros(1), 0.0)
MADE = TrainedClassifier(
    NONE, np.array([0.2, 0.6, 0.8, 0.9]), np.array([0.1, 0.1, 0.3, 0.7]), 0.0, 0.0
)


def test_what_a_threshold_is_worth() -> None:
    found = rate_threshold(MADE, 0.6, prevalence=0.5)
    assert (found.recall, found.false_positives) == (0.75, 1)
    assert found.false_positive_rate == pytest.approx(2 / 6)
    assert found.precision == pytest.approx(0.75 / (0.75 + 2 / 6))
    rare = rate_threshold(MADE, 0.6, prevalence=0.001)
    assert rare.precision == pytest.approx(0.001 * 0.75 / (0.001 * 0.75 + 0.999 * 2 / 6))


def test_the_lowest_threshold_of_a_precision_and_the_most_precise_where_there_is_none() -> None:
    assert choose_threshold(MADE, 0.68, 0.5).threshold == 0.6
    assert choose_threshold(MADE, 0.74, 0.5).threshold == 0.8
    best = choose_threshold(MADE, 0.99, 0.5)
    assert best.threshold == 0.8
    assert best.precision < 0.99
