"""Which look an object has: the themes' tables, by the key that shows most."""

from __future__ import annotations

from skyscript.backends.simulated import (
    airfield,
    buildings,
    crossings,
    generic,
    ground,
    parking,
    power,
    roads,
    small,
    sport,
    structures,
    traffic,
    trees,
    water,
)
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.layers import Look, Looks
from skyscript.backends.simulated.synonyms import LOOKS_LIKE
from skyscript.backends.simulated.values import first, is_set


def _merged(*tables: Looks) -> Looks:
    """Put tables together, synonyms added; the first that has a value keeps it."""
    result: Looks = {}
    for table in tables:
        for key, values in table.items():
            result[key] = {**values, **result.get(key, {})}
    for (key, value), (like, its) in LOOKS_LIKE.items():
        look = result.get(like, {}).get(its)
        if look is not None and value not in result.get(key, {}):
            result.setdefault(key, {})[value] = look
    return result


_TABLES: tuple[Looks, Looks, Looks] = (
    _merged(
        roads.POINTS,
        crossings.POINTS,
        traffic.POINTS,
        airfield.POINTS,
        sport.POINTS,
        water.POINTS,
        parking.POINTS,
        power.POINTS,
        small.POINTS,
        structures.POINTS,
        trees.POINTS,
    ),
    _merged(
        roads.LINES,
        traffic.LINES,
        airfield.LINES,
        sport.LINES,
        water.LINES,
        power.LINES,
        small.LINES,
        structures.LINES,
        trees.LINES,
    ),
    _merged(
        roads.AREAS,
        traffic.AREAS,
        airfield.AREAS,
        sport.AREAS,
        water.AREAS,
        parking.AREAS,
        power.AREAS,
        small.AREAS,
        structures.AREAS,
        trees.AREAS,
        buildings.AREAS,
        ground.AREAS,
    ),
)
"""Looks of points, lines and areas."""

_KEYS = (
    "man_made",
    "power",
    "generator:source",
    "building",
    "building:part",
    "attraction",
    "archaeological_site",
    "site_type",
    "playground",
    "golf",
    "aeroway",
    "railway",
    "highway",
    "waterway",
    "water",
    "leisure",
    "sport",
    "barrier",
    "aerialway",
    "amenity",
    "public_transport",
    "military",
    "historic",
    "natural",
    "landuse",
    "tourism",
    "traffic_calming",
    "emergency",
    "advertising",
    "embankment",
    "landcover",
    "zoo",
    "cemetery",
    "allotments",
    "area:aeroway",
    "disused:aeroway",
    "abandoned:aeroway",
    "disused:railway",
    "seamark:type",
    "harbour",
    "telecom",
    "ruins",
    "parking_space",
    "shop",
    "area:highway",
    "place",
    "piste:type",
)
"""Of an object's keys, the first of these decides its look."""


_PLACE = {key: place for place, key in enumerate(_KEYS)}


def look_of(feature: Feature) -> Look:
    """Give an object's look; empty where nothing of it can be seen."""
    table = _TABLES[feature.dimension]
    for key in sorted((key for key in feature.tags if key in _PLACE), key=_PLACE.__getitem__):
        value = first(feature.tags, key)
        if not value or value == "no" or key not in table:
            continue
        look = table[key].get(value, table[key].get("*"))
        if look is not None:
            return _special(feature, key, look)
    return generic.look_of(feature)


def _special(feature: Feature, key: str, look: Look) -> Look:
    """Put a road on its bridge, and bars on a footway that crosses a road."""
    if key != "highway" or not feature.is_line:
        return look
    if is_set(feature.tags, "bridge"):
        return roads.BRIDGES[key].get(first(feature.tags, key), look)
    if "crossing" in (feature.tags.get("footway"), feature.tags.get("cycleway")):
        return (*look, *crossings.CROSSING)
    return look
