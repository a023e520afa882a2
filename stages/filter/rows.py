"""Sets of rows of the input, with one bit for each row.

A query that asks for a row's set reads ``input_rows`` once, in the order of the file. A join with a
table of rows would lose this order, and a sort costs more than the rest of the query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.scratch import one_thread
from stages.filter.input_table import quote

if TYPE_CHECKING:
    import duckdb

_BATCH = 1 << 16
_NUMBER = "its number"
Mask = NDArray[np.bool_]
"""Tells for each row of ``input_rows`` whether it is in the set."""


class Sets(NamedTuple):
    """Sets of rows: a number for each row says which of them hold it."""

    numbers: NDArray[np.int32]
    """For each row of ``input_rows``, a number of its combination of sets."""
    of: Mapping[str, Mask]
    """For each set, by name, whether it holds the rows of each combination."""

    def holding(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Give the combinations of which one of some sets holds the rows."""
        return np.flatnonzero(np.any([self.of[name] for name in names], axis=0))


def combine(masks: Mapping[str, Mask]) -> Sets:
    """Number the combinations of sets that rows are in."""
    numbers = np.zeros(len(next(iter(masks.values()))), np.int32)
    of: dict[str, Mask] = {}
    for name, mask in masks.items():
        numbers = numbers * np.int32(2) + mask
        counts = np.bincount(numbers)
        there = np.flatnonzero(counts)
        short = np.zeros(len(counts), np.int32)
        short[there] = np.arange(len(there))
        numbers = short[numbers]
        of = {other: held[there // 2] for other, held in of.items()}
        of[name] = there % 2 == 1
    return Sets(numbers, of)


def mask_of(connection: duckdb.DuckDBPyConnection, rows: NDArray[np.int64]) -> Mask:
    """Give the set of some rows, by their numbers."""
    [(size,)] = connection.execute("SELECT count(*) FROM input_rows").fetchall()
    mask = np.zeros(size, np.bool_)
    mask[rows] = True
    return mask


def find_mask(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    **values: Any,  # noqa: ANN401 - SQL's values
) -> Mask:
    """Give the set of the rows that a query gives in its column ``row``."""
    rows = connection.execute(query, values).fetchnumpy()["row"]
    return mask_of(connection, np.asarray(rows, np.int64))


def select_rows(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[str],
    numbers: NDArray[np.int32],
    wanted: Sequence[int],
) -> Iterator[pa.RecordBatch]:
    """Give some columns of the rows with one of the numbers, then the number, in file order."""
    names = ", ".join(map(quote, columns))
    used = np.isin(np.arange(numbers.max(initial=0) + 1), list(wanted))
    # Without a condition: with one, DuckDB may hold back a few rows and give them later.
    with one_thread(connection):
        reader = connection.sql(f"SELECT {names}, rowid FROM input_rows").to_arrow_reader(_BATCH)
        for batch in reader:
            own = numbers[batch.column(len(columns))]
            chosen = pa.array(used[own])
            columns_of = [column.filter(chosen) for column in batch.columns[:-1]]
            yield pa.record_batch([*columns_of, pa.array(own).filter(chosen)], [*columns, _NUMBER])
