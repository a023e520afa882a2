"""Where objects lie, coarsely: image services are asked for the images of these places."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow.dataset as ds
import shapely

from skyscript.geo.tile import HALF_GLOBE, Box

PLACE = 0.25
"""Degrees of latitude and of longitude: well within one image of a satellite."""
CELL = PLACE / 8
"""Degrees: about the width of a tile at 10 m. Objects of a cell are shown by the same images."""
_MARGIN = 1e-4
_PLACES = """
    SELECT min(x), min(y), max(x), max(y)
    FROM (
        SELECT (west + east) / 2 AS x, (south + north) / 2 AS y
        FROM objects WHERE east - west <= $widest
        UNION ALL
        SELECT unnest([west, east]), (south + north) / 2
        FROM objects WHERE kind = 'w' AND west = -$widest AND east = $widest
    )
    GROUP BY floor(y / $cell), floor(x / $cell)
    ORDER BY floor(y / $cell), floor(x / $cell)
"""


def occupied_places(objects: ds.Dataset) -> list[Box]:
    """Give a box around the centres of the objects in each occupied cell, from south to north.

    Areas that cross the antimeridian are left out: no tile can show them. A line that does counts
    on both sides.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.register("objects", objects)
        places = connection.execute(_PLACES, {"cell": CELL, "widest": HALF_GLOBE}).fetchall()
    return [Box(*place) for place in places]


def cells_by_place(cells: Iterable[Box]) -> list[list[Box]]:
    """Group cells by the place of `PLACE` degrees that they lie in, from south to north."""
    groups: dict[tuple[int, int], list[Box]] = {}
    for cell in cells:
        lon, lat = (cell.west + cell.east) / 2, (cell.south + cell.north) / 2
        groups.setdefault((math.floor(lat / PLACE), math.floor(lon / PLACE)), []).append(cell)
    return [group for _, group in sorted(groups.items())]


def places_within(places: Sequence[Box], coverage: Box) -> list[Box]:
    """Give the places that touch a coverage."""
    return [
        place
        for place in places
        if place.west <= coverage.east
        and coverage.west <= place.east
        and place.south <= coverage.north
        and coverage.south <= place.north
    ]


def search_areas(places: Iterable[Box]) -> list[Box]:
    """Group places by whole degrees and give a box around each group, with a margin.

    The margin gives a single object an area: a service may refuse a region without one.
    """
    groups: dict[tuple[int, int], list[Box]] = {}
    for place in places:
        key = (math.floor(place.west), math.floor(place.south))
        groups.setdefault(key, []).append(place)
    return [_widen(bounding_box(group)) for _, group in sorted(groups.items())]


def bounding_box(places: Sequence[Box]) -> Box:
    """Give the smallest box that holds all given places."""
    west, south, east, north = zip(*places, strict=True)
    return Box(min(west), min(south), max(east), max(north))


def how_far_apart(images: Sequence[bytes], places: Sequence[Box]) -> str | None:
    """Say where images and objects lie, if no image touches a place, and how far apart they are.

    ``images`` are their footprints as WKB. None if one touches, or if there is nothing to compare.
    """
    import pyproj

    if not images or not places:
        return None
    footprints = shapely.from_wkb(list(images))
    boxes = shapely.box(*np.array(places).T)
    tree = shapely.STRtree(footprints)
    if tree.query(boxes, predicate="intersects").size:
        return None
    nearest = footprints[tree.nearest(boxes)]
    lines = shapely.get_coordinates(shapely.shortest_line(boxes, nearest)).reshape(-1, 2, 2)
    ellipsoid = pyproj.Geod(ellps="WGS84")
    _, _, metres = ellipsoid.inv(lines[:, 0, 0], lines[:, 0, 1], lines[:, 1, 0], lines[:, 1, 1])
    extent, objects = Box(*shapely.total_bounds(footprints).tolist()), bounding_box(places)
    return (
        f"the images lie in W S E N {_in_words(extent)}, the objects in {_in_words(objects)}, and "
        f"the nearest two are {np.min(metres) / 1000:,.1f} km apart"
    )


def nothing_near(apart: Mapping[str, str]) -> str:
    """Give the sentence for sources whose images are all apart from the objects, by alias."""
    why = "; ".join(f"{alias}: {each}" for alias, each in apart.items())
    return f"No source has an image where objects lie. {why}. Check `sources`."


def _in_words(box: Box) -> str:
    return " ".join(f"{side:.3f}" for side in box)


def _widen(box: Box) -> Box:
    return Box(
        max(-180, box.west - _MARGIN),
        max(-90, box.south - _MARGIN),
        min(180, box.east + _MARGIN),
        min(90, box.north + _MARGIN),
    )
