"""Find the objects around a few tiles without reading the whole table.

The objects are in Hilbert order, so a part of the table is a neighbourhood, and so is a row group.
The table's record of its parts' boxes tells which parts must be opened, and the box of a row group,
in the file's statistics, whether it must be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from pipeline.part_ranges import parts_meeting
from skyscript.geo.box_raster import BoxRaster, Ints, Sides
from skyscript.geo.row_groups import row_groups
from skyscript.geo.tile import Box

MOST_SHIFT = 50.0
"""Metres by which `match` moves an image against the map at most."""
FARTHEST = 250.0
"""Metres from its point that a thing reaches at most, for `truth`."""
MOST_MARGIN = 200.0
"""The greatest `truth.margin` in metres."""


class Near(NamedTuple):
    """The objects near the given boxes, and which object meets which box."""

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

    Memory holds the result and some 64 MB of row groups for the next look-up. An object's box may
    meet a box that its geometry does not meet; callers that need the difference ask shapely.
    """
    return pairs_near(objects, np.array(boxes, np.float64).reshape(-1, 4), columns).objects


def pairs_near(objects: ds.Dataset, sides: Sides, columns: Sequence[str] = ()) -> Near:
    """Give the ok objects whose box meets a given box, and which object meets which box.

    ``sides`` are the given boxes: n x (west, south, east, north) in degrees. `objects_near` has the
    other rules.
    """
    names = list(columns) or objects.schema.names
    schema = pa.schema([objects.schema.field(name) for name in names], objects.schema.metadata)
    if not len(sides):
        return Near(schema.empty_table(), np.zeros(0, np.int64), np.zeros(0, np.int64))
    outlines: npt.NDArray[np.object_] = np.asarray(shapely.box(*sides.T))
    raster, tree = BoxRaster(sides), shapely.STRtree(outlines)
    found, rows, met, count = [], [], [], 0
    west, south, east, north = sides.T
    parts = parts_meeting(
        objects,
        at_most={"west": east, "south": north},
        at_least={"east": west, "north": south},
    )

    def meet(groups: Sides) -> Ints:
        return np.unique(tree.query(shapely.box(*groups.T))[0])

    for group in row_groups(parts, meet, names):
        some = raster.may_meet(group.sides)
        row, box = tree.query(shapely.box(*group.sides[some].T))  # boxes meet if their bounds do
        if len(row):
            hits, of = np.unique(some[row], return_inverse=True)
            found.append(group.rows.take(pa.array(hits)))
            rows.append(count + of)
            met.append(box)
            count += len(hits)
    pairs = (np.concatenate([np.zeros(0, np.int64), *some]) for some in (rows, met))
    return Near(pa.concat_tables([schema.empty_table(), *found]), *pairs)
