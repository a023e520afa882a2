"""Reads the records of a run, its table ``pairs``, as a captions file with scores.

So a run is filtered again, with other options, from this table alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.dataset as ds

from pipeline.errors import InputError
from skyscript.captions import COMPOSED
from skyscript.files.records import record_files
from stages.filter.dates import BUILT, CHANGED
from stages.filter.input_table import BOX, MULTI, NORMALISED, PREFIX, InputTable
from stages.filter.phrases import PHRASES

if TYPE_CHECKING:
    import duckdb

MATCH = ("match", "match_confidence", CHANGED, BUILT)
"""Columns on map and image: pairs can be ranked by the first two, dropped by the others."""
SCORES = ("similarity", "similarity_multi_objects", "normalised", "phrases", "image_hash")


def load_records(connection: duckdb.DuckDBPyConnection, place: Path) -> InputTable:
    """Read the records below a folder into ``input_rows``, in the order of the run.

    Raises `InputError` if there are none, or if they have no scores.
    """
    needed = ["filepath", "title", "title_multi_objects", *COMPOSED, "scorer", *SCORES]
    needed += ["content_hash", *MATCH, *BOX]
    files = [str(path) for path in record_files(place, needed)]
    connection.register("lines", ds.dataset(files).scanner(columns=needed).to_reader())
    connection.execute("CREATE TABLE records AS SELECT * FROM lines")
    found = connection.execute(
        f"SELECT any_value(scorer), count({COMPOSED[0]}), count(*) FROM records"
    ).fetchall()
    scorer, composed, rows = found[0]
    if scorer is None:
        raise InputError(
            f"{place}: {'its records have no score to rank by' if rows else 'has no records'}; run "
            "with score.model, or score the captions file."
        )
    columns = make_input(connection, str(scorer), "records", has_composed=bool(composed))
    connection.execute("DROP TABLE records")
    connection.unregister("lines")
    return InputTable(columns, str(place), lambda row: f"{place}: record {row + 1}")


def make_input(
    connection: duckdb.DuckDBPyConnection, scorer: str, records: str, *, has_composed: bool
) -> list[str]:
    """Create ``input_rows`` from a table with the columns of records. Returns its columns."""
    texts = ["filepath", "title", "title_multi_objects", *(COMPOSED if has_composed else ())]
    renamed = {
        "similarity": f"{PREFIX}{scorer}",
        "similarity_multi_objects": f"{PREFIX}{scorer}{MULTI}",
        "normalised": f"{NORMALISED}{scorer}",
    }
    scores = ", ".join(f'{name}::VARCHAR AS "{new}"' for name, new in renamed.items())
    of_match = ", ".join(f"{name}::VARCHAR AS {name}" for name in MATCH)
    box = ", ".join(f"{name}::DOUBLE AS {name}" for name in BOX)
    connection.execute(
        f"""
        CREATE TABLE input_rows AS
        SELECT {", ".join(texts)}, {scores},
            array_to_string(phrases, ';') AS "{PHRASES}{scorer}",
            content_hash, image_hash, {of_match}, {box}
        FROM {records}
        """
    )
    last = [f"{PHRASES}{scorer}", "content_hash", "image_hash", *MATCH, *BOX]
    return [*texts, *renamed.values(), *last]
