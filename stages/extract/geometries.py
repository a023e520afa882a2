"""Geometries of objects: closed lines into polygons, the antimeridian, and what is wrong with each.

All functions work on arrays, by shapely's vectorised functions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from skyscript.geo.tile import HALF_GLOBE

SOUND = ""
"""The reason of a valid geometry."""
FEW_CORNERS = "area of fewer than three corners"
NO_SURFACE = "area without a surface"

_SURFACES = (3, 6)
"""Shapely's numbers of the types Polygon and MultiPolygon."""

Geometries = npt.NDArray[np.object_]


def from_hex(wkb: Sequence[str | None]) -> Geometries:
    """Read libosmium's hexadecimal WKB; shapely is several times slower on the text itself."""
    return shapely.from_wkb(np.array([text and bytes.fromhex(text) for text in wkb], dtype=object))


def polygons(rings: Geometries, reasons: Geometries) -> tuple[Geometries, Geometries]:
    """Make polygons of closed lines; one that touches itself is split there, a spike is cut off."""
    made = np.full(len(rings), None, dtype=object)
    enough = shapely.get_num_points(rings) > 3
    coordinates, owners = shapely.get_coordinates(rings[enough], return_index=True)
    if len(coordinates):
        made[enough] = shapely.polygons(shapely.linearrings(coordinates, indices=owners))
    found = invalid(made)
    wrong = np.flatnonzero(found != SOUND)
    surfaces = _surfaces(shapely.make_valid(made[wrong]))
    # Where a ring crosses itself, its parts turn both ways or twice, so the areas differ.
    encloses_once = np.isclose(shapely.area(surfaces), shapely.area(made[wrong]), rtol=1e-9, atol=0)
    cured = encloses_once | (found[wrong] == "ring self-intersection")
    made[wrong[cured]] = surfaces[cured]
    found[wrong[cured]] = SOUND
    found[wrong[shapely.is_empty(surfaces)]] = NO_SURFACE
    found[~enough] = FEW_CORNERS
    return shapely.orient_polygons(made), np.where(reasons == SOUND, found, reasons)


def _surfaces(geometries: Geometries) -> Geometries:
    """Keep the polygons of each geometry: a spike is a line beside its polygon."""
    for index in np.flatnonzero(~np.isin(shapely.get_type_id(geometries), _SURFACES)):
        parts = shapely.get_parts(shapely.get_parts(geometries[index]))
        surfaces = parts[shapely.get_dimensions(parts) == 2]
        geometries[index] = shapely.union_all(surfaces)
    return geometries


def on_one_side(geometries: Geometries) -> Geometries:
    """Write 180 as -180 or back, so that what only touches the antimeridian lies on one side."""
    box = shapely.bounds(geometries)
    for index in np.flatnonzero(box[:, 2] - box[:, 0] > HALF_GLOBE):
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


def invalid(geometries: Geometries) -> Geometries:
    """Name, in a few words, what is wrong with each geometry."""
    reasons = np.full(len(geometries), SOUND, dtype=object)
    wrong = ~shapely.is_valid(geometries) & ~shapely.is_missing(geometries)
    for index in np.flatnonzero(wrong):
        reasons[index] = shapely.is_valid_reason(geometries[index]).partition("[")[0].lower()
    return reasons


def cross_antimeridian(geometries: Geometries) -> npt.NDArray[np.bool_]:
    """Say which geometries have two neighbouring points more than 180 degrees apart."""
    box = shapely.bounds(geometries)
    jumps = np.zeros(len(geometries), dtype=bool)
    for index in np.flatnonzero(box[:, 2] - box[:, 0] > HALF_GLOBE):
        rings = shapely.get_parts(shapely.get_rings(shapely.get_parts(geometries[index])))
        lines = rings if len(rings) else shapely.get_parts(geometries[index])
        jumps[index] = any(
            np.abs(np.diff(shapely.get_coordinates(line)[:, 0])).max() > HALF_GLOBE
            for line in lines
        )
    return jumps
