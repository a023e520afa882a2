"""Geometries of rows of the table ``boxes``, which leaves out those that follow from other tables.

A node's geometry follows from its box. The nodes of a way that a shard read are in the table
``ways``, and their places in the files of the table ``nodes``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import shapely

from pipeline.parquet_files import local_parts
from pipeline.scratch import ScratchParquet, database, view
from pipeline.storage import Place
from skyscript.geo.antimeridian import are_cuts, are_of_both_sides
from skyscript.geo.tile import Box

_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
"""WKB of a point."""
UNITS = 1e7
"""OSM's places are whole numbers of so small a part of a degree."""
_BATCH = 10_000
_NODES_OF_WAYS = """
    SELECT r.*, w.refs
    FROM rows r LEFT JOIN ways w
        ON r.geometry IS NULL AND w.kind = r.kind AND w.osm_id = r.osm_id
    ORDER BY r.row
"""


class WaysRead(NamedTuple):
    """What shards have read of the ways of a file."""

    ways: ds.FileSystemDataset
    nodes: ds.FileSystemDataset
    root: Place
    """The folder of the run, which has the files with the places of the nodes."""

    @classmethod
    def of(
        cls, ways: ds.FileSystemDataset | None, nodes: ds.FileSystemDataset | None, root: Place
    ) -> WaysRead | None:
        """Give what the tables of a run hold; None if it read the file without shards."""
        return cls(ways, nodes, root) if ways and nodes else None


class NodesOfWays(NamedTuple):
    """The positions of the nodes of ways: a row for each node, with the number of its way."""

    way: npt.NDArray[np.int64]
    places: npt.NDArray[np.float64]
    """Longitude and latitude."""


def nodes_of_lines(lines: pa.Table, read: WaysRead | None) -> NodesOfWays:
    """Give the nodes of lines, rows of the table ``boxes``; the order is any.

    Where the geometry is null, the nodes come from what shards have ``read``. Where a line is cut
    at 180 degrees, it has no node.
    """
    has_shape = lines["geometry"].is_valid().to_numpy()
    own, others = np.flatnonzero(has_shape), np.flatnonzero(~has_shape)
    shapes = shapely.from_wkb(lines["geometry"].take(pa.array(own)).to_numpy())
    places, of = shapely.get_coordinates(shapes, return_index=True)
    boxes = np.column_stack([lines[side].to_numpy()[own] for side in Box._fields])
    is_node = ~(are_of_both_sides(boxes)[of] & are_cuts(places[:, 0]))
    way, places = own[of[is_node]], places[is_node]
    if read is not None and len(others):
        numbers = pa.array(lines["osm_id"].to_numpy()[others])
        is_one = (pc.field("kind") == "w") & pc.field("osm_id").isin(numbers)
        found = read.ways.to_table(columns=["osm_id", "refs"], filter=is_one)
        refs = found["refs"].combine_chunks()
        row = pc.index_in(found["osm_id"].combine_chunks(), value_set=numbers).to_numpy()
        of = others[row][np.repeat(np.arange(len(refs)), pc.list_value_length(refs).to_numpy())]
        way = np.concatenate([way, of])
        places = np.concatenate([places, _places(refs.flatten().to_numpy(), read) / UNITS])
    return NodesOfWays(way, places)


def _places(refs: npt.NDArray[np.int64], read: WaysRead) -> npt.NDArray[np.int64]:
    from skyscript.osm.blocks.shard_rows import map_places

    places = map_places(read.root, read.nodes)
    assert not isinstance(places, str), places  # else the geometries are in the rows
    found: npt.NDArray[np.int64] = places.of(refs)
    return found


def with_shapes(
    rows: Iterable[pa.Table], read: WaysRead | None, folder: Path
) -> Iterator[pa.Table]:
    """Yield the same rows, in order, each with its geometry.

    ``rows`` have the columns kind, osm_id, geometry, west and south, and are all ok. ``read`` is
    None if no shard read the file. Memory holds a piece; ``folder`` is for scratch files.
    """
    pieces = map(_with_points, rows)
    first = next(pieces, None)
    if read is None or first is None:
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
        view(connection, "ways", *map(Path, local_parts(read.ways)))
        for batch in connection.sql(_NODES_OF_WAYS).to_arrow_reader(_BATCH):
            found = _with_lines(pa.Table.from_batches([batch]), read)
            yield found.drop_columns(["row", "refs"]).cast(first.schema)


def _with_points(rows: pa.Table) -> pa.Table:
    """Give the nodes of some rows their geometry."""
    is_node = pc.equal(rows["kind"], "n")
    points = points_of(rows["west"].to_numpy(), rows["south"].to_numpy())
    return _replaced(rows, pc.if_else(is_node, points, rows["geometry"]))


def _with_lines(rows: pa.Table, read: WaysRead) -> pa.Table:
    """Give those rows their geometry that have the ids of their nodes in the column refs."""
    from skyscript.osm.blocks.wkb import shapes_of

    refs = rows["refs"].combine_chunks()
    at = np.flatnonzero(refs.is_valid().to_numpy(zero_copy_only=False))
    if not len(at):
        return rows
    given = refs.take(pa.array(at))
    ends = np.cumsum(pc.list_value_length(given).to_numpy(), dtype=np.int64)
    is_area = pc.equal(rows["kind"], "a").to_numpy()[at]
    made = shapes_of(ends, _places(given.flatten().to_numpy(), read), is_area).wkb
    order = np.full(len(rows), -1)
    order[at] = np.arange(len(at))
    lines = made.take(pa.array(order, mask=order < 0))
    return _replaced(rows, pc.coalesce(rows["geometry"], lines))


def _replaced(rows: pa.Table, geometries: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index("geometry"), "geometry", geometries)


def points_of(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> pa.BinaryArray:
    """Give the WKB of points."""
    points = np.empty(len(lon), dtype=_POINT)
    points["order"], points["type"], points["x"], points["y"] = 1, 1, lon, lat
    ends = np.arange(len(lon) + 1, dtype=np.int32) * np.int32(_POINT.itemsize)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(points)]
    return pa.BinaryArray.from_buffers(pa.binary(), len(lon), buffers)
