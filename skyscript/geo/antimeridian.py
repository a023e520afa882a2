"""Geometries across the antimeridian: each is cut there, into parts on both sides (RFC 7946).

A line whose neighbouring points are more than 180 degrees apart takes the short way, across 180
degrees. It is first written on, with longitudes beyond 180, and then cut. The box of the parts is
that of both sides, from -180 to 180: whoever asks for what meets a box finds the object on either
side, and the geometry says where it is not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from shapely.affinity import translate

from skyscript.geo.tile import HALF_GLOBE

LONGEST = 90.0
"""Degrees of longitude. For a longer side, its direction round the globe cannot be known."""

Floats = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]

_GLOBE = 2 * HALF_GLOBE
_WORLD = shapely.box(-HALF_GLOBE, -90, HALF_GLOBE, 90)


def on_one_side(geometries: Geometries) -> Geometries:
    """Write 180 as -180 or back, so that what only touches the antimeridian lies on one side.

    Changes the array and gives it back.
    """
    for index in np.flatnonzero(is_wide(shapely.bounds(geometries))):
        places, part = [], shapely.get_parts(geometries[index])
        for points in (shapely.get_coordinates(each) for each in part):
            lon = points[:, 0]
            inside = lon[np.abs(lon) < HALF_GLOBE]
            if (inside >= 0).all() or (inside <= 0).all():
                side = 1 if inside.sum() >= 0 else -1
                lon[np.abs(lon) == HALF_GLOBE] = side * HALF_GLOBE
            places.append(points)
        moved = shapely.set_coordinates(shapely.from_wkb(geometries[index].wkb), np.vstack(places))
        geometries[index] = moved
    return geometries


def is_wide(boxes: Floats) -> Mask:
    """Tell which boxes are wider than half the globe."""
    wide: Mask = boxes[:, 2] - boxes[:, 0] > HALF_GLOBE
    return wide


def are_of_both_sides(boxes: Floats) -> Mask:
    """Tell which boxes reach from -180 to 180, as those of all cut geometries do."""
    both: Mask = (boxes[:, 0] == -HALF_GLOBE) & (boxes[:, 2] == HALF_GLOBE)
    return both


def are_cuts(longitudes: Floats) -> Mask:
    """Tell at which points a geometry of both sides is cut: a node there is taken for one, too."""
    at_edge: Mask = np.abs(longitudes) == HALF_GLOBE
    return at_edge


def middles(boxes: Floats) -> Floats:
    """Give the longitude in the middle of each box; the box of a cut geometry has it at -180."""
    return np.where(are_of_both_sides(boxes), -HALF_GLOBE, (boxes[:, 0] + boxes[:, 2]) / 2)


def crossing(geometries: Geometries) -> Mask:
    """Tell which geometries have two neighbouring points more than 180 degrees apart."""
    jumps = np.zeros(len(geometries), dtype=bool)
    for index in np.flatnonzero(is_wide(shapely.bounds(geometries))):
        rings = shapely.get_parts(shapely.get_rings(shapely.get_parts(geometries[index])))
        lines = rings if len(rings) else shapely.get_parts(geometries[index])
        longitudes = (shapely.get_coordinates(line)[:, 0] for line in lines)
        jumps[index] = any(map(jumps_in, longitudes))
    return jumps


def jumps_in(longitudes: Floats) -> int:
    """Count the neighbours that are more than 180 degrees apart."""
    return int((np.abs(np.diff(longitudes)) > HALF_GLOBE).sum())


def written_on(lines: Geometries) -> tuple[Geometries, Mask]:
    """Continue lines that cross 180 degrees beyond it; tell which lines are ambiguous.

    A line is ambiguous if one of its sides is too long to know its direction round the globe.
    """
    found, unclear = lines.copy(), np.zeros(len(lines), dtype=bool)
    for index in np.flatnonzero(crossing(lines)):
        points = shapely.get_coordinates(lines[index])
        far = np.abs(np.diff(points[:, 0]))
        unclear[index] = ((far > HALF_GLOBE) & (far < _GLOBE - LONGEST)).any()
        points[:, 0] = np.unwrap(points[:, 0], period=_GLOBE)
        found[index] = shapely.linestrings(points)
    return found, unclear


def cut(geometries: Geometries) -> Geometries:
    """Cut what was written on beyond 180 degrees, and shift its parts onto the globe."""
    found = geometries.copy()
    boxes = shapely.bounds(geometries)
    for index in np.flatnonzero((boxes[:, 0] < -HALF_GLOBE) | (boxes[:, 2] > HALF_GLOBE)):
        is_area = shapely.get_dimensions(geometries[index]) == 2
        found[index] = (cut_at_antimeridian if is_area else _cut_line)(geometries[index])
    return shapely.orient_polygons(found)


def cut_at_antimeridian(polygon: shapely.Geometry) -> shapely.Geometry:
    """Cut an area whose longitudes run past 180 degrees, and shift its parts onto the globe."""
    west, _, east, _ = shapely.bounds(polygon).tolist()
    parts: list[shapely.Geometry] = []
    for turn in range(int(_turns(west)), int(_turns(east)) + 1):
        here = shapely.intersection(translate(polygon, xoff=-turn * _GLOBE), _WORLD)
        pieces = shapely.get_parts(shapely.get_parts(here))
        parts += pieces[shapely.area(pieces) > 0].tolist()
    return shapely.union_all(parts)


def _cut_line(line: shapely.Geometry) -> shapely.Geometry:
    points = shapely.get_coordinates(line)
    lon = points[:, 0]
    # The last edge of the globe before the eastern end of each side, which it may cross.
    edges = np.ceil((np.maximum(lon[:-1], lon[1:]) - HALF_GLOBE) / _GLOBE - 1) * _GLOBE + HALF_GLOBE
    across = np.flatnonzero(edges > np.minimum(lon[:-1], lon[1:]))
    steps = points[across + 1] - points[across]
    shares = (edges[across] - lon[across]) / steps[:, 0]
    new = np.column_stack([edges[across], points[across, 1] + shares * steps[:, 1]])
    points = np.insert(points, across + 1, new, axis=0)
    turns = _turns((points[:-1, 0] + points[1:, 0]) / 2)
    pieces = []
    for sides in np.split(np.arange(len(turns)), np.flatnonzero(np.diff(turns)) + 1):
        piece = points[sides[0] : sides[-1] + 2]
        pieces.append(shapely.linestrings(piece - [turns[sides[0]] * _GLOBE, 0.0]))
    whole: shapely.Geometry = shapely.multilinestrings(pieces)
    return whole


def _turns(lon: Floats | float) -> Floats:
    """Give how often a longitude has gone round the globe to the east."""
    return np.floor((np.asarray(lon) + HALF_GLOBE) / _GLOBE)
