"""Find the objects around a few tiles without reading the whole table.

The objects are in Hilbert order, so a part of the table is a neighbourhood, and so is a row group.
The table's record of its parts' boxes tells which parts must be opened, and the box of a row group,
in the file's statistics, whether it must be read.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import shapely

from pipeline.part_ranges import parts_meeting
from pipeline.schema import STATUS_OK
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


def objects_near(
    objects: ds.Dataset, boxes: Sequence[Box], columns: Sequence[str] = ()
) -> pa.Table:
    """Give the ok objects whose box meets any of ``boxes`` (WGS 84 degrees), in dataset order.

    ``columns`` selects some of the columns; by default, the result has all of them.

    Memory holds the result and a few row groups. An object's box may meet a box that its geometry
    does not meet; callers that need the difference ask shapely.
    """
    names = list(columns) or objects.schema.names
    schema = pa.schema([objects.schema.field(name) for name in names], objects.schema.metadata)
    if not boxes:
        return schema.empty_table()
    sides = np.array(boxes, dtype=np.float64)
    wanted = functools.reduce(operator.or_, map(_meets, _groups(sides)))
    outlines: npt.NDArray[np.object_] = np.asarray(shapely.box(*sides.T))
    tree = shapely.STRtree(outlines)
    found = []
    west, south, east, north = sides.T
    parts = parts_meeting(
        objects,
        at_most={"west": east, "south": north},
        at_least={"east": west, "north": south},
    )
    for batch in parts.to_batches(
        columns=list(dict.fromkeys([*names, *Box._fields])),
        filter=(pc.field("status") == STATUS_OK) & wanted,
        batch_readahead=2,
        fragment_readahead=1,
    ):
        own = (batch.column(side).to_numpy() for side in Box._fields)
        hits = np.unique(tree.query(shapely.box(*own))[0])  # boxes meet if their bounds do
        if len(hits):
            found.append(batch.select(names).take(pa.array(hits)))
    return pa.Table.from_batches(found, schema=schema)


def _groups(sides: npt.NDArray[np.float64]) -> list[Box]:
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
