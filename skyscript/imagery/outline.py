"""Outlines in longitude and latitude; one that crosses the antimeridian is cut in two."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from skyscript.geo.antimeridian import cut_at_antimeridian

Floats = npt.NDArray[np.float64]


def unit_square(points: int) -> tuple[Floats, Floats]:
    """Give x and y of points along the edges of the unit square, back to the first corner.

    Each edge has ``points`` points, for edges that are curves in another projection.
    """
    step, zero = np.linspace(0, 1, points)[:-1], np.zeros(points - 1)
    x = np.concatenate([step, zero + 1, 1 - step, zero, [0]])
    y = np.concatenate([zero, step, zero + 1, 1 - step, [0]])
    return x, y


def footprint_in_degrees(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """Give a service's footprint with valid rings; None if it is no area.

    A ring that jumps by more than half the globe crosses the antimeridian.
    """
    polygons = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    whole = [cut_at_antimeridian(_unwrap(polygon)) for polygon in polygons]
    union = shapely.union_all([part for part in whole if shapely.area(part) > 0])
    return None if union.is_empty else union


def _unwrap(polygon: shapely.Polygon) -> shapely.Geometry:
    ring = shapely.get_coordinates(polygon.exterior)
    longitudes = np.unwrap(ring[:, 0], period=360)
    if abs(longitudes[-1] - longitudes[0]) > 1:
        return polygon  # around a pole: unchanged
    outline = shapely.Polygon(np.column_stack([longitudes, ring[:, 1]]))
    return outline if outline.is_valid else shapely.make_valid(outline)
