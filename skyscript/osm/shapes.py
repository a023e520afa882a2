"""Geometries of rows of the table ``boxes``, which leaves out those that follow from other tables.

A node's geometry follows from its box. A way's is in the table ``ways``, if a shard read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.parquet_files import local_parts
from pipeline.scratch import ScratchParquet, database, view

_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
"""WKB of a point."""
_BATCH = 10_000
_LINES = """
    SELECT r.* REPLACE (coalesce(r.geometry, w.geometry) AS geometry)
    FROM rows r LEFT JOIN ways w
        ON r.geometry IS NULL AND r.kind <> 'n' AND w.kind = r.kind AND w.osm_id = r.osm_id
    ORDER BY r.row
"""


def with_shapes(
    rows: Iterable[pa.Table], ways: ds.FileSystemDataset | None, folder: Path
) -> Iterator[pa.Table]:
    """Yield the same rows, in order, each with its geometry.

    ``rows`` have the columns kind, osm_id, geometry, west and south. ``ways`` is the table of that
    name, if there is one. Memory holds a piece; ``folder`` is for scratch files.
    """
    pieces = map(_with_points, rows)
    first = next(pieces, None)
    if ways is None or first is None:
        yield from chain([] if first is None else [first], pieces)
        return
    start = 0
    schema = first.schema.append(pa.field("row", pa.int64()))
    with ScratchParquet(folder / "rows.parquet", schema) as file:
        for piece in chain([first], pieces):
            numbers = pa.array(np.arange(start, start + len(piece)))
            file.write_table(piece.append_column("row", numbers).cast(schema))
            start += len(piece)
    with database(folder) as connection:
        view(connection, "rows", file.path)
        view(connection, "ways", *map(Path, local_parts(ways)))
        for batch in connection.sql(_LINES).to_arrow_reader(_BATCH):
            yield pa.Table.from_batches([batch]).drop_columns(["row"]).cast(first.schema)


def _with_points(rows: pa.Table) -> pa.Table:
    """Give the nodes of some rows their geometry."""
    is_node = pc.equal(rows["kind"], "n")
    points = points_of(rows["west"].to_numpy(), rows["south"].to_numpy())
    geometry = pc.if_else(is_node, points, rows["geometry"])
    return rows.set_column(rows.column_names.index("geometry"), "geometry", geometry)


def points_of(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> pa.BinaryArray:
    """Give the WKB of points."""
    points = np.empty(len(lon), dtype=_POINT)
    points["order"], points["type"], points["x"], points["y"] = 1, 1, lon, lat
    ends = np.arange(len(lon) + 1, dtype=np.int32) * np.int32(_POINT.itemsize)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(points)]
    return pa.BinaryArray.from_buffers(pa.binary(), len(lon), buffers)
