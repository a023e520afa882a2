"""The output files: published names and columns, rows in the order of the captions file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.atomic import write_file
from pipeline.storage import Place
from skyscript.captions import COMPOSED
from stages.filter.input_table import CAPTIONS, MULTI, NORMALISED, PREFIX
from stages.filter.rows import Mask, as_bits, has_row

if TYPE_CHECKING:
    import duckdb

_FORMAT = "FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR '', COMMENT ''"
"""The format of `skyscript.files.pairs_csv.csv_writer`, which quotes no ``#``."""


def name_scorer(column: str) -> str:
    """Return the name of the scorer that wrote a score column."""
    return column.removeprefix(PREFIX).removeprefix(NORMALISED).removesuffix(MULTI)


def name_ranking(by: Sequence[str], cut: str) -> str:
    """Name the ranking in file names: ``CLIP_openai``, and ``CLIP_openai_balanced`` for a cut."""
    columns = "+".join(column.removeprefix(PREFIX) for column in by)
    return columns if cut == "top" else f"{columns}_{cut}"


def name_training_file(percent: int, scorer: str) -> str:
    """Name a training file: ``SkyScript_train_top30pct_filtered_by_CLIP_openai.csv``."""
    return f"SkyScript_train_top{percent}pct_filtered_by_{scorer}.csv"


def name_held_out_file(side: str, rows: int, scorer: str) -> str:
    """Name a test or validation file: ``SkyScript_test_30K_filtered_by_CLIP_openai.csv``.

    The number is the number of rows in the options. The file may have fewer rows.
    """
    size = f"{rows // 1000}K" if rows % 1000 == 0 and rows else str(rows)
    return f"SkyScript_{side}_{size}_filtered_by_{scorer}.csv"


def write_selected(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[str],
    by: Sequence[str],
    selected: Mask,
    path: Place,
) -> None:
    """Write the selected rows, with unchanged values.

    The columns are those of the published files: captions, then scores. Short and long captions
    follow, if there are some.
    """
    chosen = [
        *(name for name in columns if name in CAPTIONS),
        *by,
        *(name for name in columns if name in COMPOSED),
    ]
    wanted = ", ".join(f'nullif("{name}", \'\') AS "{name}"' for name in chosen)
    query = f"SELECT {wanted} FROM input_rows WHERE {has_row('selected', 'rowid')}"
    copy_to_csv(connection, query, path, selected=as_bits(selected))


def copy_to_csv(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    path: Place,
    **values: Any,  # noqa: ANN401 - SQL's values
) -> None:
    """Write the result of a query to a CSV that is complete or not there."""

    def write(temporary: Path) -> None:
        place = str(temporary).replace("'", "''")
        connection.execute(f"COPY ({query}) TO '{place}' ({_FORMAT})", values)

    write_file(path, write)
