"""Sets of rows of the input, with one bit for each row.

A query that asks for a row's bit reads ``input_rows`` once, in the order of the file. A join with a
table of rows would lose this order, and a sort costs more than the rest of the query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import duckdb

Mask = NDArray[np.bool_]
"""Tells for each row of ``input_rows`` whether it is in the set."""


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


def as_bits(mask: Mask) -> str:
    """Give a set as a parameter of a query that contains `has_row`."""
    return (mask + np.uint8(ord("0"))).tobytes().decode("ascii")


def has_row(name: str, row: str = "row") -> str:
    """Give SQL that tells whether a row is in the set of the parameter ``name``."""
    return f"get_bit(${name}::BIT, {row}::INT) = 1"
