"""Sample: chooses the objects that get a tile.

As in the paper, these are all objects of some randomly drawn cells, and objects anywhere with tags
that are rare in these cells. All draws come from `chance`; DuckDB queries the whole table.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.errors import InputError
from pipeline.schema import STATUS_OK
from pipeline.scratch import ScratchParquet, cut_into_parts, database, scratch, view
from pipeline.stage import DatasetStage, StageConfig
from skyscript import chance
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from tag_vocab import Vocabulary

if TYPE_CHECKING:
    import duckdb

RARE_SHARE = 0.5
"""The share of ``max_objects`` that is reserved for objects with rare tags."""

_CANDIDATES = pa.schema(
    [
        pa.field("row", pa.int64()),  # counts only the objects that are ok
        pa.field("cell", pa.string()),
        pa.field("draw", pa.float64()),
        pa.field("tags", pa.list_(pa.string())),  # the visible ones, as key=value
    ]
)
_MARKED = """
    CREATE TABLE marked AS
    SELECT *, cell IN (SELECT cell FROM drawn_cells) AS drawn FROM candidates
"""
_RARE = """
    CREATE TABLE rare AS
    WITH carried AS (SELECT row, draw, drawn, unnest(tags) AS tag FROM marked),
    reach AS (SELECT tag, count(*) FILTER (drawn) AS reached FROM carried GROUP BY tag),
    ranked AS (
        SELECT row, tag, reached,
            row_number() OVER (PARTITION BY tag ORDER BY drawn DESC, draw, row) AS rank
        FROM carried JOIN reach USING (tag) WHERE reached < $below
    )
    SELECT row, min(rank) AS rank, min({'reached': reached, 'tag': tag}).tag AS tag
    FROM ranked WHERE rank <= $cap GROUP BY row
"""
_CHOSEN = """
    CREATE TABLE chosen AS
    SELECT m.row, m.draw, rare.rank IS NOT NULL AS is_rare,
        CASE WHEN NOT m.drawn THEN 'rare' WHEN $by_cell THEN 'cell' ELSE 'all' END AS chosen_by,
        CASE WHEN NOT m.drawn THEN rare.tag WHEN $by_cell THEN m.cell END AS chosen_for,
        row_number() OVER (ORDER BY rare.rank NULLS LAST, m.draw, m.row) AS seat
    FROM marked m LEFT JOIN rare USING (row)
    WHERE m.drawn OR rare.rank IS NOT NULL
"""
_CUT = """
    DELETE FROM chosen WHERE row NOT IN (
        SELECT row FROM chosen
        ORDER BY is_rare AND seat <= $reserved DESC, draw, row LIMIT $max_objects
    )
"""
_IN_ORDER = "SELECT row, chosen_by, chosen_for FROM chosen ORDER BY row"


class SampleConfig(StageConfig):
    """Which objects get a tile; every object stays as context for its neighbours' tiles."""

    seed: int = Field(0, description="Seed every random draw of this stage.")
    cells: int | None = Field(
        None,
        ge=1,
        description="Draw this many of the cells that hold an object, and take them whole. By "
        "default, all cells are taken.",
    )
    cell_degrees: float = Field(
        0.01, gt=0, le=10, description="Make a cell this many degrees wide and high."
    )
    rare_below: int = Field(
        10,
        ge=0,
        description="Call a tag rare if fewer objects than this carry it in the drawn cells. Its "
        "objects are taken wherever they are.",
    )
    rare_cap: int = Field(
        50,
        ge=1,
        description="Take at most this many objects of a rare tag, including those in drawn cells.",
    )
    max_objects: int | None = Field(
        None,
        ge=1,
        description="Take at most this many objects in total. Up to half of them go to rare tags, "
        "one object for each tag, then a second one, and so on; the rest is drawn from all other "
        "objects. By default, there is no limit.",
    )
    shard_rows: int = Field(
        256,
        ge=1,
        description="Put this many objects in each part of all later tables. A worker processes "
        "one part at a time.",
    )


def sample(
    objects: ds.Dataset, vocab: ds.Dataset, *, config: SampleConfig, root: Path
) -> Iterator[pa.Table]:
    """Give the objects that get a tile, in the order of ``objects``, with the reason for each.

    Only an object with a tag that the run's vocabulary calls visible at some GSD is a candidate. It
    belongs to the cell of its box's centre, named by two whole numbers: degrees divided by the
    cell's side, rounded down. Raises `InputError` if there is no candidate.
    """
    with scratch(root, "sample") as folder:
        path = folder / "candidates.parquet"
        if not _write_candidates(objects, run_vocabulary(vocab), config, path):
            raise InputError(
                "no object of the extract carries a tag that can be seen from above: "
                "take a larger extract or another place"
            )
        with database(folder) as connection:
            view(connection, "candidates", path)
            _choose(connection, config)
            chosen = connection.sql(_IN_ORDER).to_arrow_reader(10_000)
            for part in cut_into_parts(_rows(objects, chosen), config.shard_rows):
                yield part.cast(tables.FOCUS.schema)


def _write_candidates(
    objects: ds.Dataset, vocabulary: Vocabulary, config: SampleConfig, path: Path
) -> int:
    """Write a scratch row for each candidate and give their number."""
    start = count = 0
    with ScratchParquet(path, _CANDIDATES) as file:
        for batch in _scan(objects, ["object_id", "west", "south", "east", "north", "tags"]):
            visible = _visible_tags(batch.column("tags"), vocabulary)
            rows = np.flatnonzero([bool(tags) for tags in visible])
            ids = batch.column("object_id").take(rows).to_pylist()
            cells = _cells(batch.take(rows), config.cell_degrees)
            file.write(
                {
                    "row": pa.array(start + rows, pa.int64()),
                    "cell": pa.array(cells, pa.string()),
                    "draw": pa.array(
                        [chance.uniform(config.seed, name, "sample") for name in ids], pa.float64()
                    ),
                    "tags": pa.array([visible[row] for row in rows], _CANDIDATES.field(3).type),
                }
            )
            start += len(batch)
            count += len(rows)
    return count


def _visible_tags(column: pa.MapArray, vocabulary: Vocabulary) -> list[list[str]]:
    """Give each object's visible tags as ``key=value``; none if it is never visible."""
    keys, values = column.keys.to_pylist(), column.items.to_pylist()
    ends = column.offsets.to_pylist()
    visible = []
    for first, last in itertools.pairwise(ends):
        tags = dict(zip(keys[first:last], values[first:last], strict=True))
        visible.append([f"{key}={value}" for key, value, _ in vocabulary.seen(tags)])
    return visible


def _cells(batch: pa.RecordBatch, degrees: float) -> list[str]:
    lon, lat = (
        (batch.column(low).to_numpy() + batch.column(high).to_numpy()) / 2
        for low, high in (("west", "east"), ("south", "north"))
    )
    across = np.floor(lon / degrees).astype(np.int64).tolist()
    up = np.floor(lat / degrees).astype(np.int64).tolist()
    return [f"{x}/{y}" for x, y in zip(across, up, strict=True)]


def _choose(connection: duckdb.DuckDBPyConnection, config: SampleConfig) -> None:
    """Make the table ``chosen`` from the view ``candidates``."""
    query = "SELECT DISTINCT cell FROM candidates"
    if config.cells is not None:
        batches = connection.sql(query).to_arrow_reader(10_000)
        cells = (cell for batch in batches for cell in batch.column("cell").to_pylist())
        first = heapq.nsmallest(
            config.cells, ((chance.uniform(config.seed, cell, "cell"), cell) for cell in cells)
        )
        connection.register("drawn_cells", pa.table({"cell": [cell for _, cell in first]}))
    else:
        connection.sql(query).create_view("drawn_cells")
    connection.execute(_MARKED)
    connection.execute(_RARE, {"below": config.rare_below, "cap": config.rare_cap})
    connection.execute(_CHOSEN, {"by_cell": config.cells is not None})
    if config.max_objects is not None:
        reserved = int(config.max_objects * RARE_SHARE)
        connection.execute(_CUT, {"reserved": reserved, "max_objects": config.max_objects})


def _rows(objects: ds.Dataset, chosen: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Yield the chosen objects with the reasons; both inputs have the same order."""
    columns = [name for name in tables.FOCUS.schema.names if name in tables.OBJECTS.schema.names]
    waiting = chosen.schema.empty_table()
    start, more = 0, True
    for batch in _scan(objects, columns):
        end = start + len(batch)
        while more and not (len(waiting) and waiting["row"][-1].as_py() >= end):
            piece = next(chosen, None)
            more = piece is not None
            waiting = pa.concat_tables(
                [waiting, pa.Table.from_batches([piece])] if more else [waiting]
            )
        count = int(np.searchsorted(waiting["row"].to_numpy(), end))
        here, waiting = waiting.slice(0, count), waiting.slice(count)
        rows = pa.Table.from_batches([batch]).take(pc.subtract(here["row"], start))
        for name in ("chosen_by", "chosen_for"):
            rows = rows.append_column(name, here[name])
        yield rows
        start = end


def _scan(objects: ds.Dataset, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Read the rows that are ok in order, at most a few parts ahead."""
    is_ok = pc.field("status") == STATUS_OK
    yield from objects.to_batches(
        columns=columns, filter=is_ok, batch_size=20_000, batch_readahead=2, fragment_readahead=1
    )


SAMPLE = DatasetStage(
    "sample",
    sample,
    SampleConfig,
    reads=(tables.OBJECTS, tables.VOCAB),
    writes=tables.FOCUS,
    external=vocabulary,
    version=2,
)
