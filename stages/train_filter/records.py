"""Puts the records of a run's pairs into a database, with verdicts and truth beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.errors import InputError
from skyscript import chance
from skyscript.files.phrases import TAGS
from stages.train_filter.config import TrainFilterConfig
from stages.train_filter.verdicts import read_judged

if TYPE_CHECKING:
    import duckdb

BOX = ("west", "south", "east", "north")
_COLUMNS = (
    *("filepath", "title", "title_multi_objects", *BOX, "match", "match_confidence"),
    *("cloud_share", "blank_share", "haze", "sharpness", "scorer", "similarity"),
)
_CONCEPT = f"{TAGS}[1]"
"""SQL for the concept of a pair: the first tag of its title, as in the filter."""
_SHOWN = (
    "SELECT filepath, bool_and(verdict = 'yes') AS is_shown FROM truth_rows WHERE focus "
    "GROUP BY filepath"
)


def load_records(
    connection: duckdb.DuckDBPyConnection,
    pairs: ds.Dataset,
    truth: ds.Dataset | None,
    config: TrainFilterConfig,
) -> None:
    """Create ``records``: a row a pair, with concept, ``draw``, ``verdict`` and ``is_shown``.

    ``is_shown`` is null in all rows without the table ``truth``. Raises `InputError` if the
    verdicts are invalid or of other captions.
    """
    connection.register("pair_rows", _rows(pairs, config.seed))
    connection.execute(
        f"CREATE TABLE records AS SELECT *, {_CONCEPT} AS concept, NULL::VARCHAR AS verdict, "
        "NULL::BOOLEAN AS is_shown FROM pair_rows"
    )
    connection.unregister("pair_rows")
    if truth is not None and config.shown == "yes":
        rows = truth.scanner(columns=["filepath", "focus", "verdict"])
        connection.register("truth_rows", rows.to_reader())
        connection.execute(f"CREATE TABLE shown AS {_SHOWN}")
        connection.execute(
            "UPDATE records SET is_shown = coalesce((SELECT is_shown FROM shown WHERE "
            "shown.filepath = records.filepath), false)"
        )
        connection.unregister("truth_rows")
    if config.verdicts is not None:
        _add_verdicts(connection, config)


def _rows(pairs: ds.Dataset, seed: int) -> pa.RecordBatchReader:
    """Give the columns of the pairs that are used, and a random draw for each."""
    scanner = pairs.scanner(columns=list(_COLUMNS))
    schema = scanner.projected_schema.remove_metadata().append(pa.field("draw", pa.float64()))

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in scanner.to_batches():
            draws = chance.uniforms(seed, batch["filepath"].to_pylist(), "random cut")
            yield pa.record_batch([*batch.columns, pa.array(draws)], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _add_verdicts(connection: duckdb.DuckDBPyConnection, config: TrainFilterConfig) -> None:
    assert config.verdicts is not None
    found = read_judged(config.verdicts)
    table = pa.table(
        {
            "filepath": pa.array(found, pa.string()),
            "statement": pa.array([statement for statement, _ in found.values()], pa.string()),
            "word": pa.array([word for _, word in found.values()], pa.string()),
        }
    )
    connection.register("verdict_rows", table)
    connection.execute("CREATE TABLE verdicts AS SELECT * FROM verdict_rows")
    connection.unregister("verdict_rows")
    wrong = connection.execute(
        "SELECT filepath FROM verdicts ANTI JOIN records ON verdicts.filepath = records.filepath "
        "AND statement = title ORDER BY filepath LIMIT 1"
    ).fetchall()
    if wrong:
        raise InputError(
            f"{config.verdicts}: the statement on {wrong[0][0]!r} is not the title of a pair of "
            "this run; judge the titles of this run."
        )
    connection.execute(
        "UPDATE records SET verdict = word FROM verdicts WHERE verdicts.filepath = records.filepath"
    )
