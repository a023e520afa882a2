"""The files: published names, published columns, rows in the order of the captions file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.atomic import write_file
from skyscript.files.pairs_csv import csv_writer
from stages.filter.input_table import CAPTIONS, MULTI, NORMALISED, PREFIX

if TYPE_CHECKING:
    import duckdb

_BATCH = 1 << 14


def scorer_name(by: Sequence[str], given: str | None) -> str:
    """Give what the files say after ``filtered_by_``."""
    return given or "+".join(column.removeprefix(PREFIX) for column in by)


def scorer_of(column: str) -> str:
    """Give the scorer that a score column names."""
    return column.removeprefix(PREFIX).removeprefix(NORMALISED).removesuffix(MULTI)


def train_name(percent: int, scorer: str) -> str:
    """Name a training file: ``SkyScript_train_top30pct_filtered_by_CLIP_openai.csv``."""
    return f"SkyScript_train_top{percent}pct_filtered_by_{scorer}.csv"


def held_out_name(side: str, rows: int, scorer: str) -> str:
    """Name a file of what is set aside: ``SkyScript_test_30K_filtered_by_CLIP_openai.csv``.

    The number is the size asked for; readers know the file by it, and it may hold fewer rows.
    """
    size = f"{rows // 1000}K" if rows % 1000 == 0 and rows else str(rows)
    return f"SkyScript_{side}_{size}_filtered_by_{scorer}.csv"


def write_kept(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], by: Sequence[str], path: Path
) -> None:
    """Write the rows of ``kept``: the captions' columns and the scores, each as it was given."""
    chosen = [*(name for name in columns if name in CAPTIONS), *by]
    wanted = ", ".join(f"coalesce(\"{name}\", '')" for name in chosen)
    question = f"SELECT {wanted} FROM given JOIN kept ON given.rowid = kept.row ORDER BY kept.row"

    def write(temporary: Path) -> None:
        result = connection.execute(question)
        with csv_writer(temporary, chosen) as write_row:
            while rows := result.fetchmany(_BATCH):
                for row in rows:
                    write_row(row)

    write_file(path, write)
