"""The sea: OSM draws only the coastline, with water on its right-hand side."""

from __future__ import annotations

import shapely

from skyscript.backends.simulated.canvas import Canvas, Pieces
from skyscript.backends.simulated.features import LINE, Feature
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
    frame = shapely.box(-_MARGIN, -_MARGIN, *(canvas.size + _MARGIN))
    lines = [shapely.LineString(part).intersection(frame) for part in coast]
    net = shapely.union_all([frame.boundary, *lines])
    sea, shore = (*_SEA, materials().number["water"]), Pieces([(part, 0.0) for part in coast])
    for face in shapely.get_parts(shapely.polygonize(shapely.get_parts(net))):
        point = shapely.get_coordinates(face.representative_point())[0]
        start, end = shore.ends[shore.nearest(point)]
        (dx, dy), (ax, ay) = end - start, point - start
        # y points down: a positive cross product is the right-hand side
        if dx * ay - dy * ax > 0:
            canvas.fill([shapely.get_coordinates(ring) for ring in shapely.get_rings(face)], sea)
