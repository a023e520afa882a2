"""Learns the mix of score columns from pairs that a person or a judge has labelled.

The models are cross-fitted: a labelled pair gets its score from a model that did not see it, and
every other pair from the mean of the models. So labels cannot lift the pairs that carry them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.errors import InputError
from pipeline.inputs import local_input
from pipeline.storage import Place
from skyscript import chance
from skyscript.files.pairs_csv import PairsCsv
from stages.filter import logistic

if TYPE_CHECKING:
    import duckdb

_FOLDS = 5
_FEWEST = 10
"""Fewest labelled pairs of each label: two for each fold."""


class Mix(NamedTuple):
    """A learned mix and its figures, for the report."""

    columns: Sequence[str]
    intercept: float
    coefficients: dict[str, float]
    """By column, for its values as they are in the input."""
    labelled: dict[int, int]
    """Number of labelled pairs by label."""
    area: dict[str, float]
    """Area under the curve of each column alone, and of ``mix`` on pairs that it did not see."""
    calibration: Sequence[logistic.Bin]

    def lines(self) -> list[str]:
        """Describe the mix in lines for the terminal."""
        head = f"mix learned from {self.labelled[1]:,} good and {self.labelled[0]:,} bad pairs"
        alone = ", ".join(f"{name} {area:.3f}" for name, area in self.area.items())
        return [f"{head}; area under the curve: {alone}"]

    def report(self) -> dict[str, object]:
        """Give the figures as JSON values."""
        return self._asdict() | {"calibration": [part._asdict() for part in self.calibration]}


def learn(
    connection: duckdb.DuckDBPyConnection,
    values: Sequence[str],
    by: Sequence[str],
    labels: Place,
    seed: int,
) -> Mix:
    """Fit the mix; create ``fitted`` (row, logit) with the scores of the labelled pairs.

    ``values`` is SQL for the value of each column ``by``. Raises `InputError` if the labels are
    invalid or too few.
    """
    _load_labels(connection, local_input(labels))
    there = " AND ".join(f"{value} IS NOT NULL" for value in values)
    chosen = ", ".join(f"{value} AS s{index}" for index, value in enumerate(values))
    found = connection.execute(
        f"""
        SELECT input_rows.rowid AS row, filepath, label, {chosen}
        FROM input_rows JOIN labels USING (filepath)
        WHERE title IS NOT NULL AND {there} ORDER BY row
        """
    ).fetchnumpy()
    truth = np.asarray(found["label"], int)
    counts = {label: int((truth == label).sum()) for label in (0, 1)}
    if min(counts.values()) < _FEWEST:
        raise InputError(
            f"{labels}: labels {counts[1]} good and {counts[0]} bad pairs that have all scores; "
            f"label at least {_FEWEST} of each."
        )
    table = np.column_stack([np.asarray(found[f"s{index}"], float) for index in range(len(by))])
    folds = _fold([str(path) for path in found["filepath"]], truth, seed)
    model, logits = logistic.cross_fit(table, truth, folds)
    connection.register("fitted", pa.table({"row": found["row"], "logit": logits}))
    areas = {
        name: logistic.area_under_curve(table[:, index], truth) for index, name in enumerate(by)
    }
    return Mix(
        list(by),
        model.intercept,
        dict(zip(by, model.coefficients.tolist(), strict=True)),
        counts,
        areas | {"mix": logistic.area_under_curve(logits, truth)},
        logistic.calibrate(logits, truth),
    )


def _load_labels(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Create ``labels`` (filepath, label) from a CSV. Raises `InputError` if a label is none."""
    file = PairsCsv(path, ("filepath", "label"))
    found: dict[str, int] = {}
    for number, (image, label) in enumerate(file.rows(("filepath", "label"))):
        if label.strip() not in {"0", "1"}:
            raise InputError(
                f"{path}: line {file.line_of(number)}: the label is {label!r}; write 1 for a good "
                "pair and 0 for a bad one."
            )
        if image in found:
            raise InputError(f"{path}: line {file.line_of(number)}: {image!r} is labelled twice.")
        found[image] = int(label)
    columns = {
        "filepath": pa.array(found, pa.string()),
        "label": pa.array(found.values(), pa.int8()),
    }
    connection.register("labels", pa.table(columns))


def _fold(paths: Sequence[str], labels: np.ndarray, seed: int) -> np.ndarray:
    """Give each row a fold: those of one label are dealt out in the order of a draw by path."""
    folds = np.empty(len(paths), int)
    draws = chance.uniforms(seed, paths, "fold")
    for label in (0, 1):
        rows = np.flatnonzero(labels == label)
        _, order = np.unique(draws[rows], return_inverse=True)  # rows of one image share a fold
        folds[rows] = order % _FOLDS
    return folds
