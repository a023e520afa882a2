"""Places on the Hilbert curve: what is near on the ground comes near in a table.

Tables sorted by it hold a neighbourhood in few row groups, so a question about a few boxes reads
little.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

ORDER = 24
"""Bits of each axis: cells of 2.1e-5 degrees of longitude, 1.1e-5 of latitude."""


def hilbert_keys(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Give the place of WGS 84 positions on the Hilbert curve over the whole globe.

    The curve is the one of Hilbert (1891) on 2**ORDER x 2**ORDER cells, from the south-west corner
    to the south-east one; positions outside +-180, +-90 count as on the edge.
    """
    x = _cells(lon, -180, 360)
    y = _cells(lat, -90, 180)
    key: npt.NDArray[np.int64] = np.zeros_like(x)
    for bit in range(ORDER - 1, -1, -1):
        right = (x >> bit) & 1
        upper = (y >> bit) & 1
        key = (key << 2) | ((3 * right) ^ upper)
        # The lower quadrants hold the curve turned: the left one mirrored at the diagonal, the
        # right one at the other diagonal.
        mirror = (upper == 0) & (right == 1)
        x = np.where(mirror, ~x, x)
        y = np.where(mirror, ~y, y)
        x, y = np.where(upper == 0, y, x), np.where(upper == 0, x, y)
    return key


def _cells(degrees: npt.ArrayLike, start: float, span: float) -> npt.NDArray[np.int64]:
    cells = (np.asarray(degrees, dtype=np.float64) - start) / span * 2**ORDER
    clipped: npt.NDArray[np.float64] = np.clip(np.floor(cells), 0, 2**ORDER - 1)
    return clipped.astype(np.int64)
