"""What the filter works on: a captions file with scores, as tables of a DuckDB file.

``given`` holds the file as it is, all text; ``pairs`` what the questions are about, a row each:
``row`` (its number in the file), ``filepath``, ``title``, ``object_id``, ``source``, ``score``
(null where there is none), the box in degrees and the image's hashes (null where not known).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.errors import InputError
from skyscript.files import names
from skyscript.files.metas import read_metas
from skyscript.files.pairs_csv import PairsCsv
from stages.filter import sql as asking
from stages.filter.config import FilterConfig

if TYPE_CHECKING:
    import duckdb

PREFIX = "similarity_"
NORMALISED = "normalised_"
MULTI = "_multi_objects"
"""Ends the column of the other caption's score: taken only where asked for."""
CAPTIONS = ("filepath", "title_raw", "title", "title_multi_objects")
"""Columns that a filtered file takes over, in the order of the file; the scores follow."""
SCORER = r"[A-Za-z0-9_.+-]+"
"""A score column's name goes into questions and into the names of files: nothing else may."""
BOX = ("west", "south", "east", "north")

_BATCH = 1 << 16
_HASH = "TRY_CAST('0x' || image_hash AS UBIGINT)"


class Given(NamedTuple):
    """What the table ``given`` holds, for messages too."""

    columns: Sequence[str]
    name: str
    """Of the file, or of the run."""
    place_of: Callable[[int], str]
    """Names a row, by its number from 0."""


def load_csv(connection: duckdb.DuckDBPyConnection, path: Path) -> Given:
    """Read a captions file into ``given``, empty fields as null.

    Raises `InputError` where it is not there, is no CSV or lacks ``filepath`` or ``title``.
    """
    file = PairsCsv(path)
    wrong: list[InputError] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from file.batches()
        except InputError as error:  # DuckDB would make one of its own of it
            wrong.append(error)

    schema = pa.schema([(name, pa.string()) for name in file.columns])
    connection.register("lines", pa.RecordBatchReader.from_batches(schema, batches()))
    columns = ", ".join(f"nullif({name}, '') AS {name}" for name in map(_quoted, file.columns))
    connection.execute(f"CREATE TABLE given AS SELECT {columns} FROM lines")
    connection.unregister("lines")
    if wrong:
        raise wrong[0]
    if not asking.row(connection, "SELECT count(*) FROM given")[0]:
        raise file.no_pairs()
    return Given(file.columns, str(path), lambda row: f"{path}: line {file.line_of(row)}")


def _quoted(name: str) -> str:
    """Write a column's name as DuckDB reads it."""
    return '"' + name.replace('"', '""') + '"'


def score_columns(given: Given, config: FilterConfig) -> tuple[str, ...]:
    """Give the score columns to cut by, or raise `InputError` where they are not there."""
    columns, where = given.columns, given.name
    scored = [name for name in columns if name.startswith(PREFIX)]
    of_titles = [name for name in scored if not name.endswith(MULTI)]
    for name in config.by:
        if name not in columns:
            raise InputError(
                f"{where}: has no column {name!r} to cut by; its scores are "
                f"{', '.join(scored) or 'none: run skyscript score first'}."
            )
    if not config.by and len(of_titles) != 1:
        raise InputError(
            f"{where}: has no column {PREFIX}* to cut by; run skyscript score first."
            if not of_titles
            else f"{where}: has several scores ({', '.join(of_titles)}); say which with `by`."
        )
    chosen = config.by or (of_titles[0],)
    for name in chosen:
        if not re.fullmatch(SCORER, name):
            raise InputError(
                f"{where}: column {name!r} has a name that is none of a scorer's: letters, digits, "
                "and _ . + - only."
            )
    return chosen


def load_boxes(connection: duckdb.DuckDBPyConnection, metas: Path) -> None:
    """Read the positions of all images from meta pickles into ``boxes``."""
    schema = pa.schema(
        [pa.field("filepath", pa.string()), *(pa.field(name, pa.float64()) for name in BOX)]
    )
    reader = pa.RecordBatchReader.from_batches(schema, _boxes(metas, schema))
    connection.register("box_stream", reader)
    connection.execute("CREATE TABLE boxes AS SELECT * FROM box_stream")
    connection.unregister("box_stream")


def _boxes(metas: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows: list[tuple[str, float, float, float, float]] = []
    for name, meta in read_metas(metas):
        if isinstance(meta, InputError):
            continue  # its image has no position: `check_boxes` counts those that matter
        rows.append((names.image_path(name), *meta.box))
        if len(rows) == _BATCH:
            yield _batch(rows, schema)
            rows = []
    yield _batch(rows, schema)


def _batch(rows: Sequence[Sequence[object]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    return pa.record_batch([list(column) for column in columns], schema=schema)


def make_pairs(
    connection: duckdb.DuckDBPyConnection, given: Given, config: FilterConfig
) -> tuple[str, ...]:
    """Make ``pairs`` of ``given``; give the score columns that it was made with."""
    by = score_columns(given, config)
    for name in by:
        number = "a number; mend it, or leave it empty where there is no score"
        _check_values(connection, given, name, f'TRY_CAST("{name}" AS DOUBLE)', number)
    here = set(given.columns)
    if "image_hash" in here:
        _check_values(connection, given, "image_hash", _HASH, "a hash of 16 hexadecimal digits")
    boxed = here.issuperset(BOX)
    has_boxes = asking.rows(connection, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'boxes'")
    box = ", ".join(
        f"TRY_CAST(given.{name} AS DOUBLE) AS {name}"
        if boxed
        else (f"boxes.{name}" if has_boxes else f"NULL::DOUBLE AS {name}")
        for name in BOX
    )
    scores = ", ".join(f"{_number(name)} AS s{index}" for index, name in enumerate(by))
    image_hash = _HASH if "image_hash" in here else "NULL::UBIGINT"
    content_hash = "content_hash" if "content_hash" in here else "NULL::VARCHAR"
    connection.execute(
        f"""
        CREATE TABLE scored AS
        SELECT given.rowid AS row, given.filepath, given.title,
            regexp_extract(given.filepath, $name, 1) AS object_id,
            regexp_extract(given.filepath, $name, 2) AS source,
            {content_hash} AS content_hash, {image_hash} AS image_hash, {box}, {scores}
        FROM given {"LEFT JOIN boxes USING (filepath)" if has_boxes and not boxed else ""}
        """,
        {"name": f"^{names.PATTERN}$"},
    )
    connection.execute(
        f"""
        CREATE TABLE pairs AS
        SELECT * EXCLUDE (object_id),
            CASE WHEN object_id = '' THEN filepath ELSE object_id END AS object_id,
            {_combined(len(by), config)} AS score
        FROM scored
        """
    )
    connection.execute("DROP TABLE scored")
    return by


def _number(name: str) -> str:
    """Give a column's value where it is a number, else null: DuckDB sorts NaN above all."""
    value = f'TRY_CAST(given."{name}" AS DOUBLE)'
    return f"CASE WHEN isfinite({value}) THEN {value} END"


def _check_values(
    connection: duckdb.DuckDBPyConnection, given: Given, name: str, value: str, what: str
) -> None:
    """Raise `InputError` for the first text that has no value, given as an expression."""
    wrong = asking.rows(
        connection,
        f"""
        SELECT rowid, "{name}" FROM given WHERE {value} IS NULL AND trim("{name}") <> ''
        ORDER BY rowid LIMIT 1
        """,
    )
    if wrong:
        row, text = wrong[0]
        raise InputError(f"{given.place_of(row)}: {name} is {text!r}, not {what}.")


def _combined(count: int, config: FilterConfig) -> str:
    """Give the expression that makes one score of the columns ``s0`` ...: higher is better."""
    if count == 1:
        return "s0"
    ranks = [f"rank() OVER (ORDER BY s{index} NULLS FIRST)" for index in range(count)]
    joined = (
        f"({' + '.join(ranks)}) / {count}"
        if config.combine == "rank_average"
        else f"least({', '.join(ranks)})"
    )
    there = " AND ".join(f"s{index} IS NOT NULL" for index in range(count))
    return f"CASE WHEN {there} THEN ({joined})::DOUBLE END"
