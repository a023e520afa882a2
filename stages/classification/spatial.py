"""The positions of a run's images, and which of them overlap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray

from pipeline.schema import STATUS_OK

BOX = ("west", "south", "east", "north")
_STRIP = 0.5
"""Width, in degrees, of the strips that are compared one by one, which limits the memory."""
_BITS = 32

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]


class Places(NamedTuple):
    """The positions of a run's images with status ok, in the order of the table meta."""

    object_ids: pa.ChunkedArray
    boxes: NDArray[np.float64]
    """N x (west, south, east, north), in degrees."""


def read_places(meta: ds.Dataset) -> Places:
    """Read the positions of a run's images."""
    ok = pc.field("status") == STATUS_OK
    table = meta.to_table(columns=["object_id", *BOX], filter=ok)
    columns = [table[name].to_numpy() for name in BOX]
    boxes = np.stack(columns, axis=1) if len(table) else np.zeros((0, 4))
    return Places(table["object_id"], boxes)


def find_blocks(boxes: NDArray[np.float64], side: float) -> NDArray[np.int64]:
    """Return the number of the block that contains each box's centre."""
    x = np.floor((boxes[:, 0] + boxes[:, 2]) / 2 / side).astype(np.int64)
    y = np.floor((boxes[:, 1] + boxes[:, 3]) / 2 / side).astype(np.int64)
    return _number(x, y)


def name_block(block: int) -> str:
    """Return the corner of a block, in units of its side: ``x/y``."""
    x = block >> _BITS
    return f"{x}/{block - (x << _BITS) - (1 << (_BITS - 1))}"


def match_blocks(
    boxes: NDArray[np.float64], side: float, blocks: NDArray[np.int64]
) -> tuple[Mask, Mask]:
    """Return, for each box, whether it touches any of the blocks, and whether they contain it."""
    corners = np.floor(boxes / side).astype(np.int64)
    wide, high = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    some, whole = np.zeros(len(boxes), bool), np.ones(len(boxes), bool)
    for right in range(int(wide.max(initial=-1)) + 1):
        for up in range(int(high.max(initial=-1)) + 1):
            reaches = (wide >= right) & (high >= up)
            hit = np.isin(_number(corners[:, 0] + right, corners[:, 1] + up), blocks)
            some |= reaches & hit
            whole &= ~reaches | hit
    return some, whole


def find_overlaps(boxes: NDArray[np.float64], these: Rows, others: Rows) -> Rows:
    """Return the rows of ``these`` whose box overlaps a box of ``others``."""
    import shapely

    found: list[Rows] = []
    for mine, theirs in _cut_strips(boxes, these, others):
        tree = shapely.STRtree([*shapely.box(*boxes[mine].T)])  # type: ignore[misc] # an array
        pairs = tree.query(shapely.box(*boxes[theirs].T), predicate="intersects")
        found.append(mine[np.unique(pairs[1])])
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)


def _cut_strips(
    boxes: NDArray[np.float64], these: Rows, others: Rows
) -> Iterator[tuple[Rows, Rows]]:
    """Divide both sets of rows into strips of longitude. A box on an edge is in several strips."""
    first = [np.floor(boxes[rows, 0] / _STRIP).astype(np.int64) for rows in (these, others)]
    last = [np.floor(boxes[rows, 2] / _STRIP).astype(np.int64) for rows in (these, others)]
    for strip in np.unique(np.concatenate([first[0], last[0]])).tolist():
        mine = these[(first[0] <= strip) & (last[0] >= strip)]
        theirs = others[(first[1] <= strip) & (last[1] >= strip)]
        if len(mine) and len(theirs):
            yield mine, theirs


def _number(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    return (x << _BITS) + y + (1 << (_BITS - 1))
