"""The output files: published names and columns, rows in the order of the captions file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.atomic import write_files
from pipeline.storage import Place
from skyscript.captions import COMPOSED
from skyscript.files.csv_batches import make_header, make_lines, write_lines
from stages.filter.input_table import CAPTIONS, MULTI, NORMALISED, PREFIX
from stages.filter.rows import Sets, select_rows

if TYPE_CHECKING:
    import duckdb


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
    sets: Sets,
    files: Mapping[str, Place],
) -> None:
    """Write the rows of each set to its file, with unchanged values.

    The columns are those of the published files: captions, then scores. Short and long captions
    follow, if there are some.
    """
    chosen = [
        *(name for name in columns if name in CAPTIONS),
        *by,
        *(name for name in columns if name in COMPOSED),
    ]

    def write(temporaries: Sequence[Path]) -> None:
        with ExitStack() as stack:
            outputs = [stack.enter_context(path.open("wb")) for path in temporaries]
            for output in outputs:
                output.write(make_header(chosen))
            for lines, numbers in _read(connection, chosen, sets, list(files)):
                for name, output in zip(files, outputs, strict=True):
                    write_lines(output, lines.filter(pa.array(sets.of[name][numbers])))

    write_files(list(files.values()), write)


def _read(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[str],
    sets: Sets,
    names: Sequence[str],
) -> Iterator[tuple[pa.StringArray, NDArray[np.int32]]]:
    """Give the rows of some sets as lines, each with its number in ``sets``."""
    wanted = sets.holding(names).tolist()
    for batch in select_rows(connection, columns, sets.numbers, wanted):
        *texts, numbers = batch.columns
        yield make_lines(texts), numbers.to_numpy()
