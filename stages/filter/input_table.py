"""The input of the filter: a captions file with scores, as tables of a DuckDB file.

``input_rows`` contains the file, with all values but the box as text. ``pairs`` has these columns:
``row`` (the number in the file, the rowid of ``input_rows``), ``titled`` (whether it has a title),
``object_id``, ``source``, ``score`` (null if there is none), the box in degrees, the image's
hashes, its country and its concept (null if unknown). Texts are not copied.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.errors import InputError
from pipeline.scratch import one_thread
from pipeline.storage import Place
from skyscript.clip.vectors.copies import DIGEST
from skyscript.files import names
from skyscript.files.metas import read_metas
from skyscript.files.pairs_csv import PairsCsv, null_missing
from stages.filter.config import FilterConfig
from stages.filter.mix import Mix, learn

if TYPE_CHECKING:
    import duckdb

PREFIX = "similarity_"
NORMALISED = "normalised_"
MULTI = "_multi_objects"
"""Suffix of the score column of ``title_multi_objects``, which is used only if `by` names it."""
CAPTIONS = ("filepath", "title_raw", "title", "title_multi_objects")
"""Columns that a filtered file copies, in the order of the input. The scores follow."""
SCORER = r"[A-Za-z0-9_.+-]+"
"""Allowed names of score columns, because SQL queries and file names contain them."""
BOX = ("west", "south", "east", "north")
WIDTH = "(east - west + CASE WHEN east < west THEN 360 ELSE 0 END)"
"""SQL for the width of a box; a box across the 180th meridian may have its east below its west."""

_BATCH = 1 << 16
_JOIN_BOXES = "LEFT JOIN boxes USING (filepath)"
_NO_TEXT = "NULL::ENUM('')"
"""SQL for a text that no row has: a byte a row, where a VARCHAR needs 16."""
_HASH = (  # a cast alone would take 0000000000000000f and f_f
    "CASE WHEN len(image_hash) <= 16 AND NOT contains(image_hash, '_') "
    "THEN TRY_CAST('0x' || image_hash AS UBIGINT) END"
)
_NAME = (
    f"regexp_extract(string_split(input_rows.filepath, '/')[-1], '^{names.NAME}$', "
    "['object_id', 'source'])"
)
"""SQL for object and source of a path, as by `names.PATTERN`; a short text is matched faster."""


class InputTable(NamedTuple):
    """A description of the table ``input_rows``."""

    columns: Sequence[str]
    name: str
    """Name of the file or of the run, for messages."""
    place_of: Callable[[int], str]
    """Function that names a row in messages, by its number from 0."""
    vectors: Place | None = None
    """The folder of the images' vectors, if it is known."""


def load_csv(connection: duckdb.DuckDBPyConnection, path: Path) -> InputTable:
    """Read a captions file into ``input_rows``. Empty fields and titles that are none become null.

    Raises `InputError` if the file is missing, is not a CSV, or lacks ``filepath`` or ``title``.
    """
    file = PairsCsv(path)
    title = file.columns.index("title")
    batches = (
        batch.set_column(title, "title", null_missing(batch["title"])) for batch in file.batches()
    )
    schema = pa.schema([(name, pa.string()) for name in file.columns])
    columns = ", ".join(map(_select_field, file.columns))
    query = f"CREATE TABLE input_rows AS SELECT {columns} FROM lines"
    execute_on_lines(connection, query, schema, batches)
    if not connection.execute("SELECT count(*) FROM input_rows").fetchall()[0][0]:
        raise file.no_pairs()
    return InputTable(file.columns, str(path), lambda row: f"{path}: line {file.line_of(row)}")


def execute_on_lines(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
) -> None:
    """Execute a query that reads ``lines``: batches that may raise `InputError`, which is raised.

    DuckDB would turn it into its own error.
    """
    wrong: list[InputError] = []

    def lines() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except InputError as error:
            wrong.append(error)

    connection.register("lines", pa.RecordBatchReader.from_batches(schema, lines()))
    with one_thread(connection):
        connection.execute(query)
    connection.unregister("lines")
    if wrong:
        raise wrong[0]


def _select_field(name: str) -> str:
    """Return SQL for a field as text, and for a side of the box as a number; null if it is none."""
    value = f"nullif({quote(name)}, '')"
    return f"{f'TRY_CAST({value} AS DOUBLE)' if name in BOX else value} AS {quote(name)}"


def quote(name: str) -> str:
    """Quote a column's name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def choose_scores(input_rows: InputTable, config: FilterConfig) -> tuple[str, ...]:
    """Choose the score columns to rank by. Raises `InputError` if they are missing."""
    columns, where = input_rows.columns, input_rows.name
    scored = [name for name in columns if name.startswith(PREFIX)]
    of_titles = [name for name in scored if not name.endswith(MULTI)]
    if sides := [name for name in config.by if name in BOX]:
        raise InputError(f"{where}: `by` names {sides[0]!r}, a side of the box, which is no score.")
    for name in config.by:
        if name not in columns:
            raise InputError(
                f"{where}: has no column {name!r} to rank by; its scores are "
                f"{', '.join(scored) or 'none: run skyscript score first'}."
            )
    if not config.by and len(of_titles) != 1:
        raise InputError(
            f"{where}: has no column {PREFIX}* to rank by; run skyscript score first."
            if not of_titles
            else f"{where}: has several scores ({', '.join(of_titles)}); choose one with `by`."
        )
    chosen = config.by or (of_titles[0],)
    for name in chosen:
        if not re.fullmatch(SCORER, name):
            raise InputError(
                f"{where}: the name of column {name!r} is not allowed for a score: use only "
                "letters, digits, and _ . + -."
            )
    return chosen


def load_boxes(connection: duckdb.DuckDBPyConnection, metas: Path) -> None:
    """Read the positions of all images from meta pickles into ``boxes``."""
    schema = pa.schema([("filepath", pa.string()), *((name, pa.float64()) for name in BOX)])
    boxes = _read_boxes(metas, schema)
    execute_on_lines(connection, "INSERT INTO boxes SELECT * FROM lines", schema, boxes)


def _read_boxes(metas: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows = (
        {"filepath": names.image_path(name), **meta.box._asdict()}
        for name, meta in read_metas(metas)
        # A damaged meta gives its image no position, which `splits` reports if it is needed.
        if not isinstance(meta, InputError)
    )
    while batch := list(itertools.islice(rows, _BATCH)):
        yield pa.RecordBatch.from_pylist(batch, schema=schema)


def make_pairs(
    connection: duckdb.DuckDBPyConnection, input_rows: InputTable, config: FilterConfig
) -> tuple[tuple[str, ...], Mix | None]:
    """Create ``pairs`` from ``input_rows``. Returns the score columns and their learned mix."""
    by = choose_scores(input_rows, config)
    _check_columns(input_rows, config)
    for name in by:
        number = "a number; correct it, or leave it empty if there is no score"
        check_values(connection, input_rows, name, f'TRY_CAST("{name}" AS DOUBLE)', number)
    if config.alike is not None:
        digest = f"CASE WHEN regexp_full_match(content_hash, '{DIGEST}') THEN true END"
        digits = "a content hash of 32 hexadecimal digits"
        check_values(connection, input_rows, "content_hash", digest, digits)
    values = [_cast_number(name) for name in by]
    mix = learn(connection, values, by, config.labels, config.seed) if config.labels else None
    scores = ", ".join(f"{value} AS s{index}" for index, value in enumerate(values))
    used = ", ".join(f"s{index}" for index in range(len(by)))
    connection.execute(
        f"""
        CREATE TABLE pairs AS
        WITH scored AS (
            SELECT input_rows.rowid AS row, filepath, title IS NOT NULL AS titled,
                {_NAME} AS name, {_select_optional(input_rows, config)}, {scores}
            FROM input_rows {"" if set(BOX) <= set(input_rows.columns) else _JOIN_BOXES}
        )
        SELECT * EXCLUDE (name, filepath, {used}),
            CASE WHEN name.object_id = '' THEN filepath ELSE name.object_id END AS object_id,
            name.source AS source,
            CASE WHEN titled THEN {_combine_scores(len(by), config, mix)} END AS score
        FROM scored {"LEFT JOIN fitted USING (row)" if mix else ""}
        """
    )
    if "image_hash" in input_rows.columns:
        no_hash = "rowid IN (SELECT row FROM pairs WHERE image_hash IS NULL)"
        value = f"CASE WHEN NOT ({no_hash}) THEN true END"
        check_values(connection, input_rows, "image_hash", value, "a hash of 16 hexadecimal digits")
    return by, mix


def _check_columns(input_rows: InputTable, config: FilterConfig) -> None:
    """Raise `InputError` if a column or the vectors are missing that an option needs."""
    needed = {"concept": config.concept, "max_per_image": config.max_per_image and "image_hash"}
    if config.alike is not None:
        needed = {"concept": config.concept, "alike": "content_hash"}
        if input_rows.vectors is None:
            raise InputError(
                f"{input_rows.name}: alike compares vectors; name their folder with --vectors, "
                "such as scored/embeddings/CLIP_openai-0123abcd."
            )
    for option, column in needed.items():
        if column and column not in input_rows.columns:
            raise InputError(
                f"{input_rows.name}: has no column {column!r}, which filter.{option} needs; its "
                f"columns are {', '.join(input_rows.columns)}."
            )


def _select_optional(input_rows: InputTable, config: FilterConfig) -> str:
    """Return SQL for the hashes, the box (of ``boxes`` if needed), the country and the concept."""
    columns = input_rows.columns
    concept = f"coalesce({quote(config.concept)}, '')" if config.concept else _NO_TEXT
    country = "country" if "country" in columns else _NO_TEXT
    content_hash = "content_hash" if "content_hash" in columns else _NO_TEXT
    image_hash = _HASH if "image_hash" in columns else "NULL::UBIGINT"
    own = "input_rows.{0}"
    box = ", ".join(map((own if set(BOX) <= set(columns) else "boxes.{0}").format, BOX))
    hashes = f"{content_hash} AS content_hash, {image_hash} AS image_hash"
    return f"{hashes}, {box}, {country} AS country, {concept} AS concept"


def _cast_number(name: str) -> str:
    """Return SQL for a column's value if it is finite, else null: DuckDB ranks NaN highest."""
    value = f'TRY_CAST(input_rows."{name}" AS DOUBLE)'
    return f"CASE WHEN isfinite({value}) THEN {value} END"


def check_values(
    connection: duckdb.DuckDBPyConnection, input_rows: InputTable, name: str, value: str, what: str
) -> None:
    """Check that SQL ``value`` is not null for any non-blank text. Raises `InputError`."""
    wrong = connection.execute(f"""
        SELECT rowid, "{name}" FROM input_rows WHERE {value} IS NULL AND trim("{name}") <> ''
        ORDER BY rowid LIMIT 1
        """).fetchall()
    if wrong:
        row, text = wrong[0]
        raise InputError(f"{input_rows.place_of(row)}: {name} is {text!r}, not {what}.")


def _combine_scores(count: int, config: FilterConfig, mix: Mix | None) -> str:
    """Return SQL that combines the columns ``s0``, ``s1`` ... into one score; higher is better."""
    there = " AND ".join(f"s{index} IS NOT NULL" for index in range(count))
    if mix is not None:
        slopes = enumerate(mix.coefficients.values())
        terms = "".join(f" + ({slope!r}::DOUBLE) * s{index}" for index, slope in slopes)
        logit = f"coalesce(logit, ({mix.intercept!r}::DOUBLE){terms})"
        return f"CASE WHEN {there} THEN {logit} END"
    if count == 1:
        return "s0"
    ranks = [f"rank() OVER (ORDER BY s{index} NULLS FIRST)" for index in range(count)]
    joined = (
        f"({' + '.join(ranks)}) / {count}"
        if config.combine == "rank_average"
        else f"least({', '.join(ranks)})"
    )
    return f"CASE WHEN {there} THEN ({joined})::DOUBLE END"
