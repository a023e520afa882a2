"""Drops pairs whose object changed, or was built, after the image was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import InputError
from stages.filter.config import FilterConfig
from stages.filter.dropped import drop
from stages.filter.input_table import InputTable, check_values

if TYPE_CHECKING:
    import duckdb

CHANGED, BUILT = "date_gap_days", "built_gap_days"
"""Days from the capture to the object's last change, and to the ``start_date`` of its tags."""
CHANGED_LATER = "the object changed on the map after the capture"
BUILT_LATER = "the object was built after the capture"


def drop_later(
    connection: duckdb.DuckDBPyConnection, input_rows: InputTable, config: FilterConfig
) -> dict[str, int]:
    """Drop pairs from ``pairs`` by their dates. Returns the number for each reason.

    A pair whose dates are unknown stays. Raises `InputError` if the days of the change are missing
    or are no numbers; the days of ``start_date`` are used only if the input has them.
    """
    if config.max_days_after is None:
        return {}
    if CHANGED not in input_rows.columns:
        raise InputError(
            f"{input_rows.name}: has no column {CHANGED!r}, which max_days_after needs; it is in "
            "the table match of a run."
        )
    dropped = {}
    for column, most, reason in (
        (BUILT, 0, BUILT_LATER),
        (CHANGED, config.max_days_after, CHANGED_LATER),
    ):
        if column not in input_rows.columns:
            continue
        days = f'TRY_CAST("{column}" AS DOUBLE)'
        check_values(connection, input_rows, column, days, "a number of days")
        dropped[reason] = drop(connection, f"{days} > $most", reason, most=most)
    return {reason: count for reason, count in dropped.items() if count}
