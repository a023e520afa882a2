"""Boxes of an image in bins of 0 to 1000 from its top left corner, and as one number."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.statements.scenes import Floats, Ints, Scenes

_BITS = np.array([36, 24, 12, 0])


def to_bins(scenes: Scenes, image: Ints, box: Floats) -> Ints:
    """Give boxes of pixels in bins: n x (left, top, right, bottom)."""
    return np.clip(np.round(1000 * (box / scenes.sides[image])), 0, 1000).astype(np.int64)


def pack(bins: Ints) -> Ints:
    """Give a number for each box."""
    return np.asarray((bins << _BITS).sum(axis=1))


def unpack(packed: Ints) -> Ints:
    """Give the boxes of such numbers."""
    return np.asarray(packed[:, None] >> _BITS & 0xFFF)


def bins_texts(packed: Ints) -> pa.StringArray:
    """Give the boxes of such numbers as texts: ``[120, 40, 300, 210]``."""
    sides = (pa.array(side).cast(pa.string()) for side in unpack(packed).T)
    return pc.binary_join_element_wise("[", pc.binary_join_element_wise(*sides, ", "), "]", "")
