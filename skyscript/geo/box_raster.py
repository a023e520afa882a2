"""A raster of boxes, which tells quickly which other boxes meet none of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Sides = npt.NDArray[np.float64]
"""n x (west, south, east, north)."""

_CELLS = 256
"""Columns and rows."""


class BoxRaster:
    """Counts the cells of a raster that some boxes touch, for any rectangle of cells at once.

    The table of sums is that of Crow (1984), "Summed-area tables for texture mapping".
    """

    def __init__(self, boxes: Sides) -> None:
        self._low, self._high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
        self._scale = _CELLS / np.maximum(self._high - self._low, 1e-9)
        left, low, right, high = self._cells(boxes)
        edges = np.zeros((_CELLS + 2, _CELLS + 2), np.int64)
        for row, column, sign in (
            (low, left, 1),
            (low, right + 1, -1),
            (high + 1, left, -1),
            (high + 1, right + 1, 1),
        ):
            np.add.at(edges, (row, column), sign)
        touched = edges.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0
        self._sums = np.zeros((_CELLS + 2, _CELLS + 2), np.int64)
        self._sums[1:, 1:] = touched.cumsum(axis=0).cumsum(axis=1)

    def may_meet(self, boxes: Sides) -> Ints:
        """Give the numbers of the boxes that may meet one of the raster's; no other one does."""
        left, low, right, high = self._cells(boxes)
        sums = self._sums
        count = sums[high + 1, right + 1] - sums[low, right + 1]
        count += sums[low, left] - sums[high + 1, left]
        for side in (0, 1):
            count[boxes[:, side] > self._high[side]] = 0
            count[boxes[:, side + 2] < self._low[side]] = 0
        return np.flatnonzero(count > 0)

    def _cells(self, boxes: Sides) -> list[Ints]:
        """Give the left, low, right and high cell of each box."""
        cells = []
        for side, of in enumerate(boxes.T):
            place = (of - self._low[side % 2]) * self._scale[side % 2]
            cells.append(np.clip(place, 0, _CELLS).astype(np.int64))
        return cells
