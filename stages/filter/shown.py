"""Drops pairs whose image does not certainly show what its caption names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import InputError
from skyscript.files.truth import COLUMNS
from stages.filter.config import FilterConfig
from stages.filter.dropped import drop
from stages.filter.input_table import InputTable

if TYPE_CHECKING:
    import duckdb

TRUTH = "truth"
"""The column: ``yes``, or ``unknown``."""
NOT_SHOWN = "the image does not certainly show what its caption names"
OF_TABLE = COLUMNS[1:]
"""The columns by which a table ``truth`` is known."""
VERDICT = f"""
    CASE WHEN bool_and(verdict = 'yes') THEN 'yes' ELSE 'unknown' END AS {TRUTH}
"""
"""SQL for the column, of the rows of an image whose concept its caption names."""


def drop_not_shown(
    connection: duckdb.DuckDBPyConnection, input_rows: InputTable, config: FilterConfig
) -> dict[str, int]:
    """Drop pairs from ``pairs`` by the truth. Returns the number for the reason.

    Raises `InputError` if the column is missing.
    """
    if config.shown == "all":
        return {}
    if TRUTH not in input_rows.columns:
        raise InputError(
            f"{input_rows.name}: has no column {TRUTH!r}, which shown needs; join the table truth "
            "of a run, which has one if its config has density.cell."
        )
    count = drop(connection, f"coalesce({TRUTH}, '') <> 'yes'", NOT_SHOWN)
    return {NOT_SHOWN: count} if count else {}
