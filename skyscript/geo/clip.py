"""Cuts many geometries to the boxes of the tiles that they meet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

Geometries = npt.NDArray[np.object_]


def clip_to_boxes(
    geometries: Geometries, at: npt.NDArray[np.intp], boxes: npt.NDArray[np.float64]
) -> Geometries:
    """Cut each geometry to its box; one that lies within it stays as it is.

    Geometry ``i`` has the box ``boxes[at[i]]`` (west, south, east, north, in the CRS of the
    geometries). ``at`` ascends, so that all geometries of a box are cut by one call.
    """
    parts = geometries.copy()
    cut = reach_out(geometries, boxes[at])
    tiles, starts = np.unique(at[cut], return_index=True)
    for tile, some in zip(tiles.tolist(), np.split(cut, starts[1:]), strict=False):
        parts[some] = shapely.clip_by_rect(geometries[some], *boxes[tile].tolist())
    return parts


def reach_out(geometries: Geometries, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Give the numbers of the geometries that do not lie wholly within their box."""
    bounds = shapely.bounds(geometries)
    is_whole = (bounds[:, :2] > boxes[:, :2]) & (bounds[:, 2:] < boxes[:, 2:])
    return np.flatnonzero(~is_whole.all(axis=1))
