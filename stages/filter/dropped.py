"""The pairs that no output file holds, each with the reason: ``filter_dropped.csv``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.storage import Place
from skyscript.files.names import NOT_KEPT
from stages.filter.config import FilterConfig
from stages.filter.cuts import is_plain
from stages.filter.files import copy_to_csv

if TYPE_CHECKING:
    import duckdb

NO_CAPTION = "it has no caption"
NO_SCORE = "it has no score"
COPY = "better pairs show nearly the same image (max_per_image)"
CAPPED = "better pairs have its caption (max_per_caption), or it is outside of balance_from"


def start(connection: duckdb.DuckDBPyConnection) -> None:
    """Create ``refused`` (row, reason) and ``kept`` (row), which `drop` and `keep` fill."""
    connection.execute("CREATE TABLE refused (row BIGINT, reason VARCHAR)")
    connection.execute("CREATE TABLE kept (row BIGINT)")


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


def keep(connection: duckdb.DuckDBPyConnection) -> None:
    """Remember the pairs that are ``selected`` for a file."""
    connection.execute("INSERT INTO kept SELECT row FROM selected")


def write_dropped(connection: duckdb.DuckDBPyConnection, out: Place, config: FilterConfig) -> int:
    """Write path and reason of each pair in no file, in the order of the input; return its rows."""
    unranked, is_copy = "false", "false"
    if not is_plain(config):
        unranked, is_copy = "row NOT IN (SELECT row FROM ranked)", "row IN (SELECT row FROM copies)"
    connection.execute(
        f"""
        CREATE TABLE dropped AS
        SELECT row, CASE WHEN reason IS NOT NULL THEN reason
            WHEN title IS NULL THEN '{NO_CAPTION}'
            WHEN score IS NULL THEN '{NO_SCORE}'
            WHEN split <> 'train' THEN 'it is set aside for ' || split
                || ', and that file holds enough other pairs'
            WHEN {unranked}
                THEN CASE WHEN {is_copy} THEN '{COPY}' ELSE '{CAPPED}' END
            ELSE 'it ranks below the best {max(config.top, default=0)} %' END AS reason
        FROM pairs JOIN homes USING (row) ANTI JOIN kept USING (row)
        UNION ALL SELECT row, reason FROM refused
        """
    )
    query = (
        "SELECT filepath, reason FROM dropped JOIN input_rows ON input_rows.rowid = dropped.row "
        "ORDER BY dropped.row"
    )
    copy_to_csv(connection, query, out / NOT_KEPT)
    [(count,)] = connection.execute("SELECT count(*) FROM dropped").fetchall()
    return int(count)
