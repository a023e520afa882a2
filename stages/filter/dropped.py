"""The pairs that no output file holds, each with the reason: ``filter_dropped.csv``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.atomic import write_file
from pipeline.storage import Place
from skyscript.files.csv_batches import make_header, make_lines, write_lines
from skyscript.files.names import NOT_KEPT
from stages.filter.blocks import HELD_OUT
from stages.filter.config import FilterConfig
from stages.filter.cuts import is_plain
from stages.filter.rows import Mask, find_mask, select_rows

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
    reasons, numbers = [""], np.zeros(len(kept), np.int32)
    for reason, rows in _list_reasons(connection, config):
        numbers[rows] = len(reasons)
        reasons.append(reason)
    numbers[kept] = 0
    texts, wanted = pa.array(reasons), range(1, len(reasons))

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            file.write(make_header(["filepath", "reason"]))
            for batch in select_rows(connection, ["filepath"], numbers, wanted):
                write_lines(file, make_lines([batch.column(0), texts.take(batch.column(1))]))

    write_file(out / NOT_KEPT, write)
    return int(np.count_nonzero(numbers))


def _list_reasons(
    connection: duckdb.DuckDBPyConnection, config: FilterConfig
) -> Iterator[tuple[str, Mask]]:
    """Give each reason, and the rows that it may apply to. The last of a row applies."""
    find = partial(find_mask, connection)
    yield f"it ranks below the best {max(config.top, default=0)} %", find("SELECT row FROM pairs")
    if not is_plain(config):
        unranked = "SELECT row FROM pairs ANTI JOIN ranked USING (row)"
        yield CAPPED, find(unranked)
        yield COPY, find(f"{unranked} SEMI JOIN copies USING (row)")
    for split in HELD_OUT:
        text = f"it is set aside for {split}, and that file holds enough other pairs"
        yield text, find("SELECT row FROM homes WHERE split = $split", split=split)
    yield NO_SCORE, find("SELECT row FROM pairs WHERE score IS NULL")
    yield NO_CAPTION, find("SELECT row FROM pairs WHERE NOT titled")
    for table in ("homes", "refused"):
        query = f"SELECT DISTINCT reason FROM {table} WHERE reason IS NOT NULL ORDER BY reason"
        for (reason,) in connection.execute(query).fetchall():
            yield reason, find(f"SELECT row FROM {table} WHERE reason = $of", of=reason)
