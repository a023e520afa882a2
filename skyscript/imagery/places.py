"""Where objects lie, coarsely: the places for which services are searched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pyarrow.dataset as ds

from skyscript.geo.tile import HALF_GLOBE, Box

CELL = 0.25
"""Degrees of latitude and of longitude: well within one image of a satellite."""
_MARGIN = 1e-4
_PLACES = """
    SELECT min(x), min(y), max(x), max(y)
    FROM (
        SELECT (west + east) / 2 AS x, (south + north) / 2 AS y
        FROM objects WHERE east - west <= $widest
    )
    GROUP BY floor(y / $cell), floor(x / $cell)
    ORDER BY floor(y / $cell), floor(x / $cell)
"""


def occupied_places(objects: ds.Dataset) -> list[Box]:
    """Give a box around the centres of the objects in each occupied cell, from south to north.

    Objects that cross the antimeridian are left out: no tile can show them.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.register("objects", objects)
        places = connection.execute(_PLACES, {"cell": CELL, "widest": HALF_GLOBE}).fetchall()
    return [Box(*place) for place in places]


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
    """Give the box that holds all of some places."""
    west, south, east, north = zip(*places, strict=True)
    return Box(min(west), min(south), max(east), max(north))


def _widen(box: Box) -> Box:
    return Box(
        max(-180, box.west - _MARGIN),
        max(-90, box.south - _MARGIN),
        min(180, box.east + _MARGIN),
        min(90, box.north + _MARGIN),
    )
