"""The sea: OSM draws only the coastline, with water on its right-hand side."""

from __future__ import annotations

import numpy as np
import shapely

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.materials import paint

SEA = (44, 78, 98)
_MARGIN = 4.0


def draw_sea(canvas: Canvas, found: list[Feature]) -> None:
    """Fill what lies to the right of the coastlines that cross the tile."""
    coast = [
        part
        for feature in sorted(found, key=lambda feature: feature.object_id)
        if feature.tags.get("natural") == "coastline" and feature.is_line
        for part in feature.parts
    ]
    if not coast:
        return
    frame = shapely.box(-_MARGIN, -_MARGIN, canvas.width + _MARGIN, canvas.height + _MARGIN)
    lines = [shapely.LineString(part).intersection(frame) for part in coast]
    net = shapely.union_all([frame.boundary, *lines])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(net)))
    for face in faces:
        if _is_sea(face, coast):
            canvas.fill(
                [shapely.get_coordinates(r) for r in shapely.get_rings(face)], paint(SEA, "water")
            )


def _is_sea(face: shapely.Polygon, coast: list[np.ndarray]) -> bool:
    """Say on which side of the nearest piece of coast a face lies."""
    point = shapely.get_coordinates(shapely.point_on_surface(face))[0]
    best, side = np.inf, 0.0
    for part in coast:
        start, way = part[:-1], np.diff(part, axis=0)
        length = np.maximum((way**2).sum(axis=1), 1e-12)
        share = np.clip(((point - start) * way).sum(axis=1) / length, 0, 1)
        apart = point - (start + share[:, None] * way)
        distance = (apart**2).sum(axis=1)
        nearest = int(np.argmin(distance))
        if distance[nearest] < best:
            best = float(distance[nearest])
            # y points down: a positive cross product is the right-hand side
            dx, dy = way[nearest]
            ax, ay = point - start[nearest]
            side = float(dx * ay - dy * ax)
    return side > 0
