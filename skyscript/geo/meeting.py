"""Pairs of boxes that meet, found by a sweep over their left sides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from skyscript.ragged import counted

Ints = npt.NDArray[np.int64]
Boxes = npt.NDArray[np.float64]

_AT_ONCE = 1 << 22
"""The most pairs that are compared at once, which bounds the memory."""


def meeting_boxes(boxes: Boxes, group: Ints) -> tuple[Ints, Ints]:
    """Give the pairs of boxes of one group that meet or touch, each once, in ascending order.

    ``boxes`` are n x (left, low, right, high), ``group`` is the number of the group of each. In a
    pair, the first number is less than the second.
    """
    rank = _ranks(boxes[:, 0], boxes[:, 2], group)
    order = np.argsort(rank[0], kind="stable")
    last = np.searchsorted(rank[0][order], rank[1][order], "right")
    sizes = last - np.arange(len(order)) - 1
    low, high = boxes[order, 1], boxes[order, 3]
    found = []
    for start, end in _parts(sizes):
        first = np.repeat(np.arange(start, end), sizes[start:end])
        second = first + 1 + counted(sizes[start:end])
        meet = (low[first] <= high[second]) & (low[second] <= high[first])
        found.append(np.sort(order[np.column_stack([first[meet], second[meet]])], axis=1))
    pairs = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
    one, other = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].T
    return one, other


def _ranks(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64], group: Ints) -> Ints:
    """Give the place of each left and right side among the sides of all groups, group by group.

    A right side stands behind an equal left side of its group.
    """
    count = len(left)
    is_right = np.repeat([False, True], count)
    order = np.lexsort((is_right, np.append(left, right), np.append(group, group)))
    rank = np.empty(2 * count, np.int64)
    rank[order] = np.arange(2 * count)
    return rank.reshape(2, count)


def _parts(sizes: Ints) -> Iterator[tuple[int, int]]:
    """Yield ranges of boxes with at most so many pairs, or of one box."""
    ends, start = np.cumsum(sizes), 0
    while start < len(sizes):
        before = ends[start] - sizes[start]
        end = max(start + 1, int(np.searchsorted(ends, before + _AT_ONCE, "right")))
        yield start, end
        start = end
