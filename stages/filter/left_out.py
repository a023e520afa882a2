"""Leaves pairs out of training that a list names, such as that of ``skyscript leakage``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import InputError
from pipeline.inputs import local_input
from skyscript.files.pairs_csv import PairsCsv
from stages.filter.config import FilterConfig
from stages.filter.input_table import InputTable, execute_on_lines

if TYPE_CHECKING:
    import duckdb

LEFT_OUT = "a list of images to leave out names its image"


def leave_out(
    connection: duckdb.DuckDBPyConnection, input_rows: InputTable, config: FilterConfig
) -> None:
    """Take the pairs of the lists out of training; those that are set aside stay as they are.

    So the same pairs are set aside with and without a list. Raises `InputError` for an invalid
    list, and for one of which no image is in the input.
    """
    for path in map(local_input, config.leave_out):
        schema = pa.schema([("filepath", pa.string())])
        execute_on_lines(
            connection,
            "CREATE OR REPLACE TEMP TABLE listed AS SELECT DISTINCT filepath FROM lines",
            schema,
            PairsCsv(path, ("filepath",)).batches(["filepath"]),
        )
        [(listed, known)] = connection.execute(
            "SELECT count(*), count(p.filepath) FROM listed "
            "LEFT JOIN (SELECT DISTINCT filepath FROM input_rows JOIN pairs "
            "ON input_rows.rowid = row) AS p USING (filepath)"
        ).fetchall()
        if listed and not known:
            raise InputError(
                f"{path}: none of its {listed:,} images is in {input_rows.name}; its paths must be "
                "those of the pairs."
            )
        connection.execute(
            "INSERT INTO homes SELECT row, NULL, $reason FROM pairs ANTI JOIN homes USING (row) "
            "WHERE row IN (SELECT rowid FROM input_rows SEMI JOIN listed USING (filepath))",
            {"reason": LEFT_OUT},
        )
