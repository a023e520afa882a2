"""Geometries of objects: closed lines into polygons, and what is wrong with each.

All functions work on arrays, by shapely's vectorised functions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from skyscript.geo.antimeridian import on_one_side, written_on
from skyscript.osm.reasons import POLE, UNCLEAR

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


def shaped(
    lines: Geometries, is_area: npt.NDArray[np.bool_], reasons: Geometries
) -> tuple[Geometries, Geometries]:
    """Make polygons of the lines of areas; say what is wrong with each that has no reason yet.

    What crosses the antimeridian is written on beyond 180 degrees, and can be cut there.
    """
    made, unclear = written_on(on_one_side(lines))
    found = np.where(unclear & (reasons == SOUND), UNCLEAR, reasons)
    made[is_area], found[is_area] = polygons(made[is_area], found[is_area])
    return made, found


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
    found[~_end_where_they_start(rings)] = POLE
    return shapely.orient_polygons(made), np.where(reasons == SOUND, found, reasons)


def _end_where_they_start(rings: Geometries) -> npt.NDArray[np.bool_]:
    """Tell which rings are closed; one around a pole is not, once it is written on beyond 180."""
    first, last = shapely.get_point(rings, 0), shapely.get_point(rings, -1)
    same: npt.NDArray[np.bool_] = shapely.equals(first, last)
    return same


def _surfaces(geometries: Geometries) -> Geometries:
    """Keep the polygons of each geometry: a spike is a line beside its polygon."""
    for index in np.flatnonzero(~np.isin(shapely.get_type_id(geometries), _SURFACES)):
        parts = shapely.get_parts(shapely.get_parts(geometries[index]))
        surfaces = parts[shapely.get_dimensions(parts) == 2]
        geometries[index] = shapely.union_all(surfaces)
    return geometries


def invalid(geometries: Geometries) -> Geometries:
    """Name, in a few words, what is wrong with each geometry."""
    reasons = np.full(len(geometries), SOUND, dtype=object)
    wrong = ~shapely.is_valid(geometries) & ~shapely.is_missing(geometries)
    for index in np.flatnonzero(wrong):
        reasons[index] = shapely.is_valid_reason(geometries[index]).partition("[")[0].lower()
    return reasons
