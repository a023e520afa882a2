"""Pairs of boxes that meet, found by a sweep over their left sides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from skyscript.ragged import counted

Ints = npt.NDArray[np.int64]
Boxes = npt.NDArray[np.float64]
Sides = npt.NDArray[np.float64]

_AT_ONCE = 1 << 22
"""The most pairs that are compared at once, which bounds the memory."""


def meeting_boxes(boxes: Boxes, group: Ints) -> tuple[Ints, Ints]:
    """Give the pairs of boxes of one group that meet or touch, each once, in ascending order.

    ``boxes`` are n x (left, low, right, high), ``group`` is the number of the group of each. In a
    pair, the first number is less than the second.
    """
    left, low, right, high = boxes.T
    first_sides, last_sides = _behind_each_other(left, right, group)
    order = np.argsort(first_sides, kind="stable")
    last = np.searchsorted(first_sides[order], last_sides[order], "right")
    sizes = last - np.arange(len(order)) - 1
    found = []
    for start, end in _parts(sizes):
        one = np.repeat(order[start:end], sizes[start:end])
        other = order[
            np.repeat(np.arange(start, end), sizes[start:end]) + 1 + counted(sizes[start:end])
        ]
        meet = (low[one] <= high[other]) & (low[other] <= high[one]) & (left[other] <= right[one])
        meet &= group[one] == group[other]
        one, other = one[meet], other[meet]
        found.append(np.minimum(one, other) * len(boxes) + np.maximum(one, other))
    one, other = np.divmod(np.sort(np.concatenate([np.zeros(0, np.int64), *found])), len(boxes))
    return one, other


def _behind_each_other(left: Sides, right: Sides, group: Ints) -> tuple[Sides, Sides]:
    """Give the left and right sides with the groups moved behind each other.

    To move them may round them, and so let boxes meet that do not quite.
    """
    least = left.min(initial=0)
    moved = group * (right.max(initial=0) - least + 1)
    return left - least + moved, right - least + moved


def _parts(sizes: Ints) -> Iterator[tuple[int, int]]:
    """Yield ranges of boxes that have at most `_AT_ONCE` pairs together, or one box."""
    ends, start = np.cumsum(sizes), 0
    while start < len(sizes):
        before = ends[start] - sizes[start]
        end = max(start + 1, int(np.searchsorted(ends, before + _AT_ONCE, "right")))
        yield start, end
        start = end
