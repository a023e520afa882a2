"""Find the objects around a few tiles without reading the whole table.

The objects are in Hilbert order, so a part of the table is a neighbourhood, and so is a row group.
The table's record of its parts' boxes tells which parts must be opened, and the box of a row group,
in the file's statistics, whether it must be read.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import shapely

from pipeline.part_ranges import parts_meeting
from pipeline.schema import STATUS_OK
from skyscript.geo.box_raster import BoxRaster, Ints, Sides
from skyscript.geo.hilbert import hilbert_keys
from skyscript.geo.tile import Box

MOST_SHIFT = 50.0
"""Metres by which `match` moves an image against the map at most."""
FARTHEST = 250.0
"""Metres from its point that a thing reaches at most, for `truth`."""
MOST_MARGIN = 200.0
"""The greatest `truth.margin` in metres."""
MOST_GROUPS = 16
"""The most groups of boxes in a query: each adds a comparison for every row group."""
_NOWHERE = 1e9
"""Degrees: the place of an object that is not ok, and may have none."""


class Near(NamedTuple):
    """Objects near some boxes, and which of their boxes meet which of these."""

    objects: pa.Table
    row: Ints
    """By pair: the row of the object; ascending."""
    box: Ints
    """By pair: the number of the box."""


def objects_near(
    objects: ds.Dataset, boxes: Sequence[Box], columns: Sequence[str] = ()
) -> pa.Table:
    """Give the ok objects whose box meets any of ``boxes`` (WGS 84 degrees), in dataset order.

    ``columns`` selects some of the columns; by default, the result has all of them.

    Memory holds the result and a few row groups. An object's box may meet a box that its geometry
    does not meet; callers that need the difference ask shapely.
    """
    return pairs_near(objects, np.array(boxes, np.float64).reshape(-1, 4), columns).objects


def pairs_near(objects: ds.Dataset, sides: Sides, columns: Sequence[str] = ()) -> Near:
    """Give what `objects_near` gives, and the pairs of an object and a box that meet.

    ``sides`` are the boxes: n x (west, south, east, north) in degrees.
    """
    names = list(columns) or objects.schema.names
    schema = pa.schema([objects.schema.field(name) for name in names], objects.schema.metadata)
    if not len(sides):
        return Near(schema.empty_table(), np.zeros(0, np.int64), np.zeros(0, np.int64))
    wanted = functools.reduce(operator.or_, map(_meets, _groups(sides)))
    outlines: npt.NDArray[np.object_] = np.asarray(shapely.box(*sides.T))
    raster, tree = BoxRaster(sides), shapely.STRtree(outlines)
    found, rows, met, count = [], [], [], 0
    west, south, east, north = sides.T
    parts = parts_meeting(
        objects,
        at_most={"west": east, "south": north},
        at_least={"east": west, "north": south},
    )
    for batch in _read(parts, wanted, [*names, *Box._fields, "status"]):
        is_ok = pc.equal(batch.column("status"), STATUS_OK).to_numpy(zero_copy_only=False)
        given = (batch.column(side).to_numpy(zero_copy_only=False) for side in Box._fields)
        own = np.column_stack([np.where(is_ok, side, _NOWHERE) for side in given])
        some = raster.may_meet(own)
        row, box = tree.query(shapely.box(*own[some].T))  # boxes meet if their bounds do
        if len(row):
            hits, of = np.unique(some[row], return_inverse=True)
            found.append(batch.select(names).take(pa.array(hits)))
            rows.append(count + of)
            met.append(box)
            count += len(hits)
    pairs = (np.concatenate([np.zeros(0, np.int64), *some]) for some in (rows, met))
    return Near(pa.Table.from_batches(found, schema=schema), *pairs)


def _read(
    parts: ds.Dataset, wanted: pc.Expression, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the row groups whose boxes may meet one: to filter their rows would cost more."""
    for fragment in parts.get_fragments():
        if isinstance(fragment, ds.ParquetFileFragment):
            fragment = fragment.subset(filter=wanted, schema=parts.schema)
        yield from fragment.to_batches(
            schema=parts.schema, columns=list(dict.fromkeys(columns)), batch_readahead=2
        )


def _groups(sides: Sides) -> list[Box]:
    """Unite boxes that are near each other: a Hilbert run of them, cut at its widest gaps."""
    centres = (sides[:, :2] + sides[:, 2:]) / 2
    order = np.argsort(hilbert_keys(*centres.T), kind="stable")
    sides, centres = sides[order], centres[order]
    gaps = np.abs(np.diff(centres, axis=0)).max(axis=1)
    cuts = np.sort(np.argsort(-gaps, kind="stable")[: MOST_GROUPS - 1]) + 1
    return [
        Box(*group[:, :2].min(axis=0).tolist(), *group[:, 2:].max(axis=0).tolist())
        for group in np.split(sides, cuts)
    ]


def _meets(box: Box) -> pc.Expression:
    return (
        (pc.field("west") <= box.east)
        & (pc.field("east") >= box.west)
        & (pc.field("south") <= box.north)
        & (pc.field("north") >= box.south)
    )
