"""Lists of different lengths that stand behind each other in one long array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def counted(sizes: npt.NDArray[np.integer]) -> Ints:
    """Give 0, 1, ... for each size: ``[2, 3]`` gives ``[0, 1, 0, 1, 2]``."""
    ends = np.cumsum(sizes, dtype=np.int64)
    return np.asarray(np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes))


def counted_in(keys: npt.NDArray[Any]) -> Ints:
    """Give 0, 1, ... for each value of ascending keys: ``[3, 3, 7]`` gives ``[0, 1, 0]``."""
    places = np.arange(len(keys))
    starts = np.where(np.append(True, keys[1:] != keys[:-1])[: len(keys)], places, 0)
    return np.asarray(places - np.maximum.accumulate(starts))
