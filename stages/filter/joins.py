"""Adds columns of other files to the captions: scores of any other model, joined by path.

A file is a CSV with the column ``filepath``, a Parquet file, or a folder of Parquet files such as a
table of a run. Parquet may give ``object_id`` instead of ``filepath``: then the value holds for all
images of the object. Only the columns that an option names are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.inputs import local_input
from skyscript.files import names
from skyscript.files.pairs_csv import PairsCsv
from skyscript.files.truth import COLUMNS
from stages.filter.config import FilterConfig
from stages.filter.dates import BUILT, CHANGED
from stages.filter.input_table import InputTable, execute_on_lines, quote
from stages.filter.shown import OF_TABLE, TRUTH, VERDICT

if TYPE_CHECKING:
    import duckdb

_KEYS = ("filepath", "object_id")
_OBJECT = f"regexp_extract(filepath, '^{names.PATTERN}$', 1)"
_ALWAYS = ("country", "image_hash", "content_hash", CHANGED, BUILT)
"""Columns that are also read if no option names them, unless the captions have them."""


def join_files(
    connection: duckdb.DuckDBPyConnection, input_rows: InputTable, config: FilterConfig
) -> InputTable:
    """Add the columns of ``config.join`` to the table ``input_rows``. Returns its description.

    Raises `InputError` if a file is invalid, names a path twice, has no column that is used, or has
    no value for any pair.
    """
    columns = list(input_rows.columns)
    named = dict.fromkeys([*config.by, *filter(None, [config.concept])])
    if config.shown == "yes":
        named[TRUTH] = None
    for path in map(local_input, config.join):
        key, there = _look(path)
        chosen = [name for name in named if name in there and name not in _KEYS]
        known = {name.lower() for name in columns}  # DuckDB takes A and a for one column
        twice = [name for name in chosen if name.lower() in known]
        chosen += [name for name in _ALWAYS if name in there and name not in {*known, *chosen}]
        if twice:
            raise InputError(
                f"{path}: the column {twice[0]!r} is also in {input_rows.name} or in an earlier "
                "file; rename one of them."
            )
        if not chosen:
            raise InputError(
                f"{path}: none of its columns ({', '.join(there)}) is used; name one with --by."
            )
        _load(connection, path, key, chosen)
        _check_numbers(connection, path, key, [name for name in chosen if name in config.by])
        _add(connection, input_rows, path, key, chosen)
        columns += chosen
    return input_rows._replace(columns=columns)


def _look(path: Path) -> tuple[str, list[str]]:
    """Give the key and the columns of a file."""
    if path.suffix.lower() == ".csv":
        return _KEYS[0], PairsCsv(path, _KEYS[:1]).columns
    if is_truth(path):
        return _KEYS[0], [_KEYS[0], TRUTH]
    try:
        there = pq.read_schema(parts_of(path)[0]).names
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path}: is neither a .csv file nor Parquet: {str(error).splitlines()[0]}"
        ) from None
    key = next((name for name in _KEYS if name in there), None)
    if key is None:
        raise InputError(
            f"{path}: has no column 'filepath' or 'object_id' to join by; its columns are "
            f"{', '.join(there)}."
        )
    return key, there


def is_truth(path: Path) -> bool:
    """Tell whether a file is a table ``truth`` of a run, with several rows for each image."""
    try:
        return set(COLUMNS) <= set(pq.read_schema(parts_of(path)[0]).names)
    except (pa.ArrowException, OSError):
        return False


def parts_of(path: Path) -> list[Path]:
    """Give the Parquet files of a folder, or the file itself."""
    parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not parts:
        raise InputError(f"{path}: contains no *.parquet file.")
    return parts


def _read(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    if path.suffix.lower() == ".csv":
        yield from PairsCsv(path, _KEYS[:1]).batches(columns)
        return
    for part in parts_of(path):
        try:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(columns=list(columns)):
                    texts = [batch.column(name).cast(pa.string()) for name in columns]
                    yield pa.record_batch(texts, names=list(columns))
        except (pa.ArrowException, OSError, KeyError) as error:
            raise InputError(
                f"{part}: cannot be read as Parquet with the columns {', '.join(columns)}: "
                f"{str(error).splitlines()[0]}"
            ) from None


def _load(
    connection: duckdb.DuckDBPyConnection, path: Path, key: str, chosen: Sequence[str]
) -> None:
    """Create ``joined`` (key and columns) from a file."""
    if TRUTH in chosen and is_truth(path):
        schema = pa.schema([(name, pa.string()) for name in (key, *OF_TABLE)])
        query = (
            f"CREATE OR REPLACE TABLE joined AS SELECT {key}, {VERDICT} FROM lines "
            f"WHERE focus = 'true' GROUP BY {key}"
        )
        execute_on_lines(connection, query, schema, _read(path, schema.names))
        return
    fields = ", ".join(f"nullif({quote(name)}, '') AS {quote(name)}" for name in (key, *chosen))
    schema = pa.schema([(name, pa.string()) for name in (key, *chosen)])
    query = f"CREATE OR REPLACE TABLE joined AS SELECT {fields} FROM lines"
    execute_on_lines(connection, query, schema, _read(path, schema.names))
    twice = connection.execute(
        f"SELECT {key} FROM joined WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > 1 "
        f"ORDER BY {key} LIMIT 1"
    ).fetchall()
    if twice:
        raise InputError(f"{path}: names {twice[0][0]!r} twice; keep one row for each {key}.")


def _check_numbers(
    connection: duckdb.DuckDBPyConnection, path: Path, key: str, scores: Sequence[str]
) -> None:
    """Raise `InputError` if a score is neither a number nor blank."""
    for name in map(quote, scores):
        wrong = connection.execute(
            f"SELECT {key}, {name} FROM joined WHERE TRY_CAST({name} AS DOUBLE) IS NULL "
            f"AND trim({name}) <> '' ORDER BY {key} LIMIT 1"
        ).fetchall()
        if wrong:
            at, text = wrong[0]
            raise InputError(f"{path}: {name} of {at!r} is {text!r}, not a number.")


def _add(
    connection: duckdb.DuckDBPyConnection,
    input_rows: InputTable,
    path: Path,
    key: str,
    chosen: Sequence[str],
) -> None:
    own = (
        f"input_rows.{key}" if key in input_rows.columns else _OBJECT.replace("(f", "(input_rows.f")
    )
    matched = connection.execute(
        f"SELECT count(*) FROM input_rows JOIN joined ON {own} = joined.{key}"
    ).fetchall()
    if matched == [(0,)]:
        [(example,)] = connection.execute(f"SELECT any_value({key}) FROM joined").fetchall()
        [(ours,)] = connection.execute(f"SELECT {own} FROM input_rows LIMIT 1").fetchall()
        raise InputError(
            f"{path}: has no row for any pair of {input_rows.name}: its {key} is like {example!r}, "
            f"there it is like {ours!r}."
        )
    for name in chosen:
        connection.execute(f"ALTER TABLE input_rows ADD COLUMN {quote(name)} VARCHAR")
    values = ", ".join(f"{quote(name)} = joined.{quote(name)}" for name in chosen)
    connection.execute(f"UPDATE input_rows SET {values} FROM joined WHERE {own} = joined.{key}")
    connection.execute("DROP TABLE joined")
