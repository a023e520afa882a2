"""The WKB of ways from the places of their nodes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skyscript.osm.blocks.protobuf import Bytes, Ints
from skyscript.osm.blocks.shapes import write_shapes


class Shapes(NamedTuple):
    """The geometries of ways, as columns with a row for each way."""

    wkb: pa.BinaryArray
    """Null if a place is missing, or if there are fewer than two."""
    kinds: Bytes
    """What was made of each way: ``LINE``, ``POLYGON`` or another number of `blocks.shapes`."""
    boxes: Ints
    """West, south, east, north in 1e-7 degrees."""


def shapes_of(ends: Ints, places: Ints, is_area: npt.NDArray[np.bool_]) -> Shapes:
    """Give the shapes of ways: way *i* has the nodes ``places[ends[i - 1]:ends[i]]``.

    ``places`` are whole numbers of 1e-7 degrees.
    """
    count = len(ends)
    kinds, boxes = np.empty(count, np.uint8), np.zeros((count, 4), np.int64)
    wkb_ends = np.zeros(count + 1, np.int64)
    room = np.empty(32 * count + 16 * len(places), dtype=np.uint8)
    size = write_shapes(ends, places, is_area, kinds, boxes, room, wkb_ends[1:])
    return Shapes(_binary(wkb_ends, room[:size]), kinds, boxes)


def _binary(ends: Ints, data: npt.NDArray[Any]) -> pa.BinaryArray:
    """Give the pieces of ``data``; a piece of no bytes is null."""
    offsets = ends.astype(np.int32)
    empty = np.packbits(np.diff(offsets) > 0, bitorder="little")
    buffers = [pa.py_buffer(empty), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.BinaryArray.from_buffers(pa.binary(), len(ends) - 1, buffers)
