"""Sample: chooses the objects that get a tile.

As in the paper, these are all objects of some randomly drawn cells, and objects anywhere with tags
that are rare in these cells. All draws come from `chance`; DuckDB queries the whole table.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.errors import InputError
from pipeline.scratch import cut_into_parts, database, scratch, view
from pipeline.stage import DatasetStage
from skyscript import chance
from skyscript.backends.registry import finest_gsd, folder_ids, registry_ids
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from stages.sample.candidates import scan, why_none, write_candidates
from stages.sample.config import SampleConfig

if TYPE_CHECKING:
    import duckdb

RARE_SHARE = 0.5
"""The share of ``max_objects`` for objects with rare tags, while there are enough others."""

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
        ORDER BY is_rare AND seat <= $reserved DESC, is_rare, draw, row LIMIT $max_objects
    )
"""
_IN_ORDER = "SELECT row, chosen_by, chosen_for FROM chosen ORDER BY row"


def sample(
    objects: ds.Dataset, vocab: ds.Dataset, *, config: SampleConfig, root: Path
) -> Iterator[pa.Table]:
    """Choose the objects that get a tile, each with the reason. They keep their order.

    A candidate has a tag that the run's vocabulary calls visible at the finest GSD of the sources,
    is not hidden from above and, if it is an area, has some of their pixels. It belongs to the cell
    of its box's centre, named by two whole numbers: degrees divided by the cell's side, rounded
    down. Raises `InputError` if there is no candidate.
    """
    gsd = finest_gsd(config.sources)
    words = run_vocabulary(vocab)
    with scratch(root, "sample") as folder:
        path = folder / "candidates.parquet"
        if not write_candidates(objects, words, gsd, config, path):
            raise InputError(why_none(objects, words, gsd))
        with database(folder) as connection:
            view(connection, "candidates", path)
            _choose(connection, config)
            chosen = connection.sql(_IN_ORDER).to_arrow_reader(10_000)
            for part in cut_into_parts(_rows(objects, chosen), config.shard_rows):
                yield part.cast(tables.FOCUS.schema)


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
    for batch in scan(objects, columns):
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


def _external(config: SampleConfig) -> Mapping[str, str]:
    measured = {
        alias: source
        for alias, source in config.sources.items()
        if getattr(source, "gsd", None) is None
    }
    return {**vocabulary(config), **folder_ids(measured), **registry_ids(measured)}


SAMPLE = DatasetStage(
    "sample",
    sample,
    SampleConfig,
    reads=(tables.OBJECTS, tables.VOCAB),
    writes=tables.FOCUS,
    external=_external,
    version=3,
)
