"""Buildings: the roof by its tags or its kind, its shadow by its height, what stands on it."""

from __future__ import annotations

import math

from skyscript.backends.simulated.building_kinds import (
    BUILDINGS,
    HOUSE_ROOFS,
    RIBS,
    ROOFS,
    Building,
)
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.generic import emblem
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.materials import Paint, paint
from skyscript.backends.simulated.roofs import SHAPES, draw_roof
from skyscript.backends.simulated.rooftops import ON_TOP, panels
from skyscript.backends.simulated.values import brighter, colour, first, mix, number

_STOREY = 3.1
_FADED = 0.33
"""How much sun and rain have taken of a roof's named colour."""
_ANY_SHAPES = ("gabled", "gabled", "hipped", "flat")
_RELIGION = {
    "christian": "church",
    "muslim": "mosque",
    "jewish": "synagogue",
    "hindu": "temple",
    "buddhist": "pagoda",
    "shinto": "shrine",
}
_BY_USE = {
    "amenity": {
        "school": "school",
        "kindergarten": "kindergarten",
        "university": "university",
        "college": "college",
        "hospital": "hospital",
        "clinic": "clinic",
        "parking": "parking",
        "fire_station": "fire_station",
        "theatre": "theatre",
        "toilets": "toilets",
        "fuel": "roof",
    },
    "tourism": {"hotel": "hotel", "museum": "museum"},
    "leisure": {
        "sports_centre": "sports_centre",
        "stadium": "stadium",
        "sports_hall": "sports_hall",
    },
    "historic": {"castle": "castle", "ruins": "ruins", "fort": "fort"},
    "shop": {"supermarket": "supermarket"},
    "railway": {"station": "train_station"},
    "aeroway": {"hangar": "hangar", "terminal": "transportation"},
    "landuse": {"greenhouse_horticulture": "greenhouse"},
}


def kind_of(feature: Feature) -> str:
    """Give the kind of a building: its own, or by its use where it only says ``yes``."""
    kind = first(feature.tags, "building") or first(feature.tags, "building:part")
    if kind in BUILDINGS:
        return kind
    if first(feature.tags, "amenity") == "place_of_worship":
        return _RELIGION.get(first(feature.tags, "religion"), "religious")
    for key, kinds in _BY_USE.items():
        if (value := first(feature.tags, key)) in kinds:
            return kinds[value]
    return kind


def _known(feature: Feature) -> Building:
    known = BUILDINGS.get(kind_of(feature))
    if known is not None:
        return known
    shape = _ANY_SHAPES[int(feature.uniform("shape") * len(_ANY_SHAPES))]
    return Building(shape, "concrete" if shape == "flat" else "house", 2)


def height(feature: Feature) -> float:
    """Give a building's height in metres: its tag, its floors, or its kind's floors."""
    floors = number(feature.tags, "building:levels", _known(feature).levels, 0, 160)
    floors += number(feature.tags, "roof:levels", 0.5, 0, 10)
    return number(feature.tags, "height", floors * _STOREY, 0.3, 900)


def covering(feature: Feature) -> str:
    """Give what a roof is covered with, a key of `ROOFS`: its tag, or what its kind has."""
    named = first(feature.tags, "roof:material")
    if named in ROOFS:
        return named
    material = _known(feature).material
    if material == "house":
        return HOUSE_ROOFS[int(feature.uniform("roof") * len(HOUSE_ROOFS))]
    return material


def roof_paint(feature: Feature) -> Paint:
    """Give a roof's paint: its colour tag, its covering, or what its kind has."""
    known, tags = _known(feature), feature.tags
    tint, texture = ROOFS[covering(feature)]
    says = first(tags, "roof:material") in ROOFS
    if known.colour is not None and not says:
        tint = known.colour
    chosen = colour(tags.get("roof:colour", "") or tags.get("roof:color", ""))
    if chosen is None and not says:
        wall = colour(tags.get("building:colour", ""))
        chosen = mix(tint, wall, 0.5) if wall is not None else None
    if chosen is not None:
        tint = mix(chosen, (128, 128, 128), _FADED)
    return paint(brighter(tint, 0.9 + 0.2 * feature.uniform("tone")), texture)


def _yard(canvas: Canvas, feature: Feature) -> None:
    """Draw bare ground around a house, where no other object says what lies there."""
    for ring in feature.parts[:1]:
        canvas.line(ring, 11.0, paint((152, 148, 130), "yard"))


def _shadow(canvas: Canvas, feature: Feature) -> None:
    tall = height(feature) - number(feature.tags, "min_height", 0, 0, 900)
    canvas.cast(feature.parts, tall)


def _roof(canvas: Canvas, feature: Feature) -> None:
    known = _known(feature)
    shape = first(feature.tags, "roof:shape")
    draw_roof(canvas, feature, roof_paint(feature), shape if shape in SHAPES else known.shape)
    if feature.frame.width < 5:
        return
    if (ribs := RIBS.get(covering(feature))) is not None:
        metres, depth, way = ribs
        across = (way == "across") != (feature.tags.get("roof:orientation") == "across")
        angle = feature.frame.angle + (math.pi / 2 if across else 0)
        canvas.ribs(feature.parts, feature.frame._replace(angle=angle), metres, depth)
    if known.on_top:
        ON_TOP[known.on_top](canvas, feature)
    elif shape == "flat" or (
        not shape and known.shape == "flat" and feature.size > 150 * canvas.metre**2
    ):
        ON_TOP["coolers"](canvas, feature)
    if (
        feature.tags.get("generator:source") == "solar"
        or first(feature.tags, "roof:material") == "solar_panels"
    ):
        panels(canvas, feature)


def _use(canvas: Canvas, feature: Feature) -> None:
    """Mark the roof by what the house is used for, where that is in the vocabulary."""
    if kind_of(feature) not in BUILDINGS or first(feature.tags, "building") == "yes":
        emblem(canvas, feature, skip=("building", "building:part"))


BUILDING: Look = (
    Pass(Layer.GROUND, _yard, -1),
    Pass(Layer.CAST, _shadow),
    Pass(Layer.ROOF, _roof),
    Pass(Layer.ON_ROOF, _use),
)
_PART: Look = (Pass(Layer.CAST, _shadow), Pass(Layer.ROOF, _roof, 1))
AREAS: Looks = {"building": {"*": BUILDING}, "building:part": {"*": _PART}}
