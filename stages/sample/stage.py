"""Sample: chooses the objects that get a tile.

As in the paper, these are all objects of some randomly drawn cells, and objects anywhere with tags
that are rare in these cells. Beyond the paper, a balanced draw takes a number of each tag. All
draws come from `chance`; DuckDB queries the whole table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.schema import STATUS_OK
from pipeline.scratch import ScratchParquet, cut_into_parts, database, scratch, view
from pipeline.stage import DatasetStage
from pipeline.storage import Place
from skyscript.osm.shapes import WaysRead, with_shapes
from stages import tables
from stages.sample.choice import CANDIDATES, choose
from stages.sample.config import SampleConfig

_IN_ORDER = "SELECT row, chosen_by, chosen_for FROM chosen ORDER BY row"


def sample(
    boxes: ds.Dataset,
    eligible: ds.Dataset,
    ways: ds.FileSystemDataset | None = None,
    nodes: ds.FileSystemDataset | None = None,
    *,
    config: SampleConfig,
    root: Place,
) -> Iterator[pa.Table]:
    """Choose the objects that get a tile, each with the reason. They keep their order.

    The geometries of ways that shards have read are made from ``ways`` and ``nodes``.

    An object belongs to the cell of its box's centre, named by two whole numbers: degrees divided
    by the cell's side, rounded down. The choice depends on the seed and on the set of the objects,
    not on their order or on the files that they come from.
    """
    with scratch(root, "sample") as folder:
        path = folder / "candidates.parquet"
        _write_candidates(eligible, config.cell_degrees, path)
        with database(folder) as connection:
            view(connection, "candidates", path)
            choose(connection, config)
            chosen = connection.sql(_IN_ORDER).to_arrow_reader(10_000)
            read = WaysRead.of(ways, nodes, root)
            rows = with_shapes(_rows(boxes, chosen), read, folder)
            for part in cut_into_parts(rows, config.shard_rows):
                yield part.cast(tables.FOCUS.schema)


def _write_candidates(eligible: ds.Dataset, cell_degrees: float, path: Path) -> None:
    """Write a scratch row for each object that is eligible."""
    start = 0
    with ScratchParquet(path, CANDIDATES) as file:
        for batch in _scan(eligible, ["object_id", "lon", "lat", "draw", "tags", "status"]):
            rows = np.flatnonzero(pc.equal(batch["status"], STATUS_OK).to_numpy(False))
            some = batch.take(rows)
            cells = {
                axis: np.floor(some[name].to_numpy(False) / cell_degrees).astype(np.int32)
                for axis, name in (("x", "lon"), ("y", "lat"))
            }
            columns = {name: some[name] for name in ("object_id", "draw", "tags")}
            arrays = {name: pa.array(cell) for name, cell in cells.items()}
            file.write({"row": pa.array(start + rows, pa.int64()), **arrays, **columns})
            start += len(batch)


def _rows(boxes: ds.Dataset, chosen: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Yield the chosen objects with the reasons; both inputs have the same order."""
    columns = [name for name in tables.FOCUS.schema.names if name in tables.BOXES.schema.names]
    waiting = chosen.schema.empty_table()
    start, more = 0, True
    for batch in _scan(boxes, columns):
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


def _scan(dataset: ds.Dataset, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Read rows in order, at most a few parts ahead; no part leaves anything in memory."""
    yield from dataset.to_batches(
        columns=columns,
        batch_size=20_000,
        batch_readahead=2,
        fragment_readahead=1,
        cache_metadata=False,
    )


SAMPLE = DatasetStage(
    "sample",
    sample,
    SampleConfig,
    reads=(tables.BOXES, tables.ELIGIBLE),
    may_read=(tables.WAYS, tables.NODES),
    writes=tables.FOCUS,
    version=4,
)
