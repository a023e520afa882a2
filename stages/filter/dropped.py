"""The pairs that no output file holds, each with the reason: ``filter_dropped.csv``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.storage import Place
from skyscript.files.names import NOT_KEPT
from stages.filter.config import FilterConfig
from stages.filter.cuts import is_plain
from stages.filter.files import copy_to_csv
from stages.filter.rows import Mask, as_bits, find_mask, has_row, mask_of

if TYPE_CHECKING:
    import duckdb

NO_CAPTION = "it has no caption"
NO_SCORE = "it has no score"
COPY = "better pairs show nearly the same image (max_per_image)"
CAPPED = "better pairs have its caption (max_per_caption), or it is outside of balance_from"


def start(connection: duckdb.DuckDBPyConnection) -> None:
    """Create ``refused`` (row, reason), which `drop` fills."""
    connection.execute("CREATE TABLE refused (row BIGINT, reason VARCHAR)")


def drop(
    connection: duckdb.DuckDBPyConnection,
    condition: str,
    reason: str,
    **values: Any,  # noqa: ANN401 - SQL's values
) -> int:
    """Drop the pairs whose row of ``input_rows`` fits a condition; return their number."""
    connection.execute(
        "INSERT INTO refused SELECT row, $reason FROM pairs WHERE row IN "
        f"(SELECT rowid FROM input_rows WHERE {condition})",
        {"reason": reason, **values},
    )
    [(count,)] = connection.execute(
        "DELETE FROM pairs WHERE row IN (SELECT row FROM refused)"
    ).fetchall()
    return int(count)


def write_dropped(
    connection: duckdb.DuckDBPyConnection, out: Place, config: FilterConfig, kept: Mask
) -> int:
    """Write path and reason of each pair in no file, in the order of the input; return its rows.

    ``kept`` has the pairs that a file holds.
    """
    unranked, is_copy = "false", "false"
    if not is_plain(config):
        unranked, is_copy = "row NOT IN (SELECT row FROM ranked)", "row IN (SELECT row FROM copies)"
    connection.execute(
        f"""
        CREATE TABLE dropped AS
        SELECT row, CASE WHEN reason IS NOT NULL THEN reason
            WHEN NOT titled THEN '{NO_CAPTION}'
            WHEN score IS NULL THEN '{NO_SCORE}'
            WHEN split IS NOT NULL THEN 'it is set aside for ' || split
                || ', and that file holds enough other pairs'
            WHEN {unranked}
                THEN CASE WHEN {is_copy} THEN '{COPY}' ELSE '{CAPPED}' END
            ELSE 'it ranks below the best {max(config.top, default=0)} %' END AS reason
        FROM pairs LEFT JOIN homes USING (row) WHERE NOT {has_row("kept")}
        UNION ALL SELECT row, reason FROM refused
        """,
        {"kept": as_bits(kept)},
    )
    return _write(connection, out / NOT_KEPT)


def _write(connection: duckdb.DuckDBPyConnection, path: Place) -> int:
    """Write the pairs that are ``dropped``; return their number."""
    reasons = connection.execute(
        "SELECT reason FROM dropped GROUP BY reason ORDER BY count(*) DESC, reason"
    ).fetchall()
    values: dict[str, str] = {}
    cases, every = "", mask_of(connection, np.empty(0, np.int64))
    for number, (reason,) in enumerate(reasons):
        mask = find_mask(connection, "SELECT row FROM dropped WHERE reason = $of", of=reason)
        values |= {f"reason{number}": reason, f"rows{number}": as_bits(mask)}
        cases += f" WHEN {has_row(f'rows{number}', 'rowid')} THEN $reason{number}"
        every |= mask
    reason = f"CASE {cases} END" if cases else "NULL"
    query = f"SELECT filepath, {reason} AS reason FROM input_rows WHERE {has_row('all', 'rowid')}"
    copy_to_csv(connection, query, path, all=as_bits(every), **values)
    return int(every.sum())
