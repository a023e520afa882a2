"""Which thin things lie under the trees of a forest, so that an image need not show them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from stages.truth.showing import Showing

FORESTS = frozenset({"forest", "trees"})
"""What an area shows whose ground is hidden under crowns."""
WIDEST = 8.0
"""Metres: what is narrower can lie under trees."""
_MOST = 0.5
"""A thing is under trees if more of it than this share is in a forest."""


def under_trees(
    clipped: npt.NDArray[np.object_], at: npt.NDArray[np.intp], known: Sequence[Showing]
) -> npt.NDArray[np.bool_]:
    """Tell for each part of an object in tile ``at`` whether it is thin and in a forest there.

    The parts come tile by tile.
    """
    dimensions = shapely.get_dimensions(clipped)
    wooded = [not FORESTS.isdisjoint(each.every) for each in known]
    forest = (dimensions == 2) & np.array(wooded, dtype=bool)
    narrow = np.array([each.size.metres <= WIDEST for each in known], dtype=bool)
    thin = narrow & ((dimensions == 0) | (dimensions == 1))
    under = np.zeros(len(clipped), dtype=bool)
    for tile in np.intersect1d(at[forest], at[thin]).tolist():
        trees = shapely.union_all(clipped[forest & (at == tile)])
        shapely.prepare(trees)
        some = np.flatnonzero(thin & (at == tile))
        some = some[shapely.intersects(trees, clipped[some])]
        lines = clipped[some]
        length, free = shapely.length(lines), shapely.length(shapely.difference(lines, trees))
        under[some] = free <= length * (1 - _MOST)
    return under
