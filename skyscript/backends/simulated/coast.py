"""The sea: OSM draws only the coastline, with water on its right-hand side."""

from __future__ import annotations

import numpy as np
import shapely

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import LINE, Feature, Points
from skyscript.backends.simulated.tables import materials

_SEA = (44, 78, 98)
_MARGIN = 4.0


def draw_sea(canvas: Canvas, found: list[Feature]) -> None:
    """Fill the area to the right of the coastlines that cross the tile."""
    coast = [
        part
        for feature in found
        if feature.tags.get("natural") == "coastline" and feature.dimension == LINE
        for part in feature.parts
    ]
    if not coast:
        return
    frame = shapely.box(-_MARGIN, -_MARGIN, canvas.width + _MARGIN, canvas.height + _MARGIN)
    lines = [shapely.LineString(part).intersection(frame) for part in coast]
    net = shapely.union_all([frame.boundary, *lines])
    sea = (*_SEA, materials().number["water"])
    for face in shapely.get_parts(shapely.polygonize(shapely.get_parts(net))):
        if _is_sea(face, coast):
            canvas.fill([shapely.get_coordinates(r) for r in shapely.get_rings(face)], sea)


def _is_sea(face: shapely.Polygon, coast: list[Points]) -> bool:
    """Tell whether a face is to the right of the nearest piece of coast."""
    point = shapely.get_coordinates(shapely.point_on_surface(face))[0]
    start = np.concatenate([part[:-1] for part in coast])
    way = np.concatenate([np.diff(part, axis=0) for part in coast])
    length = np.maximum((way**2).sum(axis=1), 1e-12)
    share = np.clip(((point - start) * way).sum(axis=1) / length, 0, 1)
    apart = point - (start + share[:, None] * way)
    nearest = int(np.argmin((apart**2).sum(axis=1)))
    # y points down: a positive cross product is the right-hand side
    (dx, dy), (ax, ay) = way[nearest], point - start[nearest]
    return bool(dx * ay - dy * ax > 0)
