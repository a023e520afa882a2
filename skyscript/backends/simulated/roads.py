"""Roads, paths and squares: width and markings by class, colour by surface."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.lines import parallel
from skyscript.backends.simulated.materials import Paint, paint, tone
from skyscript.backends.simulated.roadside import drive, stand_trees
from skyscript.backends.simulated.surfaces import SURFACES, surface_paint
from skyscript.backends.simulated.values import brighter, first, number


class Road(NamedTuple):
    """A class of roads."""

    width: float
    """Metres, both directions."""
    surface: str
    rank: int
    """The higher is drawn over the lower."""
    centre: str = ""
    """Marking in the middle: dashed, solid, double or none."""
    edge: str = ""
    """What runs along the sides: line, kerb, grass or none."""


ROADS = {
    "motorway": Road(11.5, "asphalt", 12, "lanes", "line"),
    "trunk": Road(10.0, "asphalt", 11, "lanes", "line"),
    "primary": Road(9.0, "asphalt", 10, "double", "line"),
    "secondary": Road(8.0, "asphalt", 9, "solid", "line"),
    "tertiary": Road(7.0, "asphalt", 8, "dashed"),
    "motorway_link": Road(5.5, "asphalt", 8, "", "line"),
    "trunk_link": Road(5.5, "asphalt", 8, "", "line"),
    "primary_link": Road(5.0, "asphalt", 8, "", "line"),
    "secondary_link": Road(5.0, "asphalt", 7, "", "line"),
    "tertiary_link": Road(4.5, "asphalt", 7),
    "unclassified": Road(5.0, "worn asphalt", 6),
    "residential": Road(6.0, "asphalt", 6, "", "kerb"),
    "road": Road(5.0, "worn asphalt", 6),
    "living_street": Road(5.5, "living street", 5, "", "kerb"),
    "service": Road(3.6, "worn asphalt", 4),
    "busway": Road(6.5, "red asphalt", 7, "solid"),
    "bus_guideway": Road(6.0, "concrete:lanes", 7),
    "raceway": Road(11.0, "asphalt", 7, "", "racing"),
    "pedestrian": Road(5.5, "paving_stones", 5),
    "track": Road(2.8, "ruts", 3),
    "cycleway": Road(2.4, "red asphalt", 3, "dashed"),
    "footway": Road(1.8, "pale", 2),
    "path": Road(1.1, "dirt", 1),
    "bridleway": Road(2.0, "sand", 1),
    "steps": Road(2.2, "steps", 2),
    "construction": Road(7.0, "gravel", 2, "", "grass"),
    "rest_area": Road(6.0, "asphalt", 4),
    "escape": Road(6.0, "gravel", 4),
    "via_ferrata": Road(0.6, "dirt", 1),
    "trail": Road(1.1, "dirt", 1),
}
_WHITE = paint((236, 236, 230))
_YELLOW = paint((232, 196, 70))
_MARKED = {"asphalt", "paved", "concrete", "red asphalt", ""}


def _road(feature: Feature) -> Road:
    return ROADS.get(first(feature.tags, "highway"), ROADS["road"])


def road_width(feature: Feature) -> float:
    """Give a road's width in metres: its tag, its lanes, or its class's."""
    road = _road(feature)
    lanes = number(feature.tags, "lanes", 0, 1, 12)
    width = road.width
    if lanes and road.rank >= 5:
        width = lanes * 3.2 + (2.0 if road.edge == "line" else 0.6)
    if feature.tags.get("oneway") == "yes" and not lanes and 5 <= road.rank <= 10:
        width *= 0.68
    if first(feature.tags, "service") in ("driveway", "alley", "parking_aisle"):
        width = {"driveway": 2.8, "alley": 3.0}.get(first(feature.tags, "service"), 5.4)
    return number(feature.tags, "width", width, 0.4, 60)


def _edges(canvas: Canvas, feature: Feature) -> None:
    """Draw what lies beside the carriageway: pavements, kerbs, verges, cycle tracks."""
    road, width = _road(feature), road_width(feature)
    walk = first(feature.tags, "sidewalk")
    if walk in ("both", "yes", "left", "right") or (
        road.edge == "kerb" and walk not in ("no", "none", "separate")
    ):
        for line in feature.parts:
            canvas.line(line, width + 3.4, paint((178, 172, 164), "concrete"))
    elif road.rank >= 8 or road.edge == "grass":
        for line in feature.parts:
            canvas.line(line, width + 2.4, paint((154, 148, 122), "soil"))
    if road.edge == "racing":
        for line in feature.parts:
            _dash(canvas, line, width + 1.6, 3.0, (_WHITE, paint((200, 44, 40))))
    if first(feature.tags, "cycleway") in ("track", "lane"):
        for line in feature.parts:
            canvas.line(line, width + 2.6, paint(SURFACES["red asphalt"][0], "asphalt"))


def _surface(canvas: Canvas, feature: Feature) -> None:
    road, width = _road(feature), road_width(feature)
    base = surface_paint(feature.tags, road.surface, 0.95 + 0.1 * feature.uniform("tone"))
    for line in feature.parts:
        if road.surface == "ruts" and first(feature.tags, "tracktype") not in ("grade1",):
            _ruts(canvas, line, width, base)
        else:
            canvas.line(line, width, base)
        if road.surface == "steps":
            _treads(canvas, line, width)
    if road.rank >= 6 and width >= 5 and canvas.metre >= 2.5:
        drive(canvas, feature, width)
    if road.edge == "kerb" and feature.uniform("shade") < 0.12:
        stand_trees(canvas, feature, width)


def _ruts(canvas: Canvas, line: np.ndarray, width: float, base: Paint) -> None:
    """Draw two bare wheel tracks with grass between them."""
    canvas.line(line, width, base)
    canvas.line(line, width * 0.42, paint(tone("grass", canvas.light.season), "grass"))


def _treads(canvas: Canvas, line: np.ndarray, width: float) -> None:
    stations = canvas.stations(line, 0.9)
    for (x, y), (dx, dy) in zip(stations.place.tolist(), stations.way.tolist(), strict=True):
        canvas.box((x, y), math.atan2(dy, dx), (0.4, width), paint((112, 106, 100)))


def _marks(canvas: Canvas, feature: Feature) -> None:
    """Draw the lines on the carriageway, where they are wide enough to be seen."""
    road, width = _road(feature), road_width(feature)
    if canvas.metre < 2.4 or first(feature.tags, "surface") not in _MARKED:
        return
    if feature.tags.get("lane_markings") == "no":
        return
    for line in feature.parts:
        if road.edge == "line":
            for side in (-1, 1):
                canvas.line(parallel(line, side * (width / 2 - 0.5) * canvas.metre), 0.22, _WHITE)
        one_way = feature.tags.get("oneway") == "yes"
        if road.centre == "lanes" or (one_way and road.rank >= 8 and road.centre):
            lanes = round(number(feature.tags, "lanes", max(2, width // 3.4), 1, 8))
            for lane in range(1, lanes):
                _dash(
                    canvas,
                    parallel(line, width * (lane / lanes - 0.5) * 0.9 * canvas.metre),
                    0.2,
                    6,
                    (_WHITE, None),
                )
        elif road.centre == "double":
            canvas.line(parallel(line, -0.25 * canvas.metre), 0.18, _YELLOW)
            canvas.line(parallel(line, 0.25 * canvas.metre), 0.18, _YELLOW)
        elif road.centre == "solid":
            canvas.line(line, 0.2, _WHITE)
        elif road.centre == "dashed":
            _dash(canvas, line, 0.18, 3, (_WHITE, None))


def _dash(
    canvas: Canvas, line: np.ndarray, width: float, every: float, paints: tuple[Paint, Paint | None]
) -> None:
    """Draw dashes of two paints in turn, ``every`` metres each; ``None`` leaves a gap."""
    stations = canvas.stations(line, every)
    for count, (x, y), (dx, dy) in zip(
        stations.number.tolist(), stations.place.tolist(), stations.way.tolist(), strict=True
    ):
        tint = paints[count % 2]
        if tint is not None:
            half = every * canvas.metre / 2
            canvas.line(
                np.array([(x - dx * half, y - dy * half), (x + dx * half, y + dy * half)]),
                width,
                tint,
            )


def _bridge(canvas: Canvas, feature: Feature) -> None:
    """Draw the deck of a bridge, wider than the road, and its shadow."""
    width = road_width(feature) + 1.8
    offset = canvas.thrown(5.0)
    for line in feature.parts:
        canvas.line(line + offset, width, paint((58, 62, 62)))
    for line in feature.parts:
        canvas.line(line, width, paint((206, 204, 198), "concrete"))


def _square(canvas: Canvas, feature: Feature) -> None:
    """Draw a square: slabs in the frame's direction, or its surface."""
    value = first(feature.tags, "surface")
    base = surface_paint(feature.tags, "paving_stones", 0.95 + 0.1 * feature.uniform("tone"))
    if value in ("", "paving_stones", "sett", "cobblestone", "concrete:plates", "brick"):
        joint = paint(brighter(base[:3], 0.8), "paving")
        motif = motifs.lattice(base, joint, (0.08, 0.08))
        canvas.motif(feature.parts, feature.frame, motif, (4.0, 4.0))
    else:
        canvas.fill(feature.parts, base)


def _plain_area(canvas: Canvas, feature: Feature) -> None:
    canvas.fill(feature.parts, surface_paint(feature.tags, "asphalt"))


def _steps_area(canvas: Canvas, feature: Feature) -> None:
    base, tread = surface_paint(feature.tags, "steps"), paint((112, 106, 100))
    canvas.motif(feature.parts, feature.frame, motifs.stripes(base, tread, 0.35), (4, 1.0))


def _turning_circle(canvas: Canvas, feature: Feature) -> None:
    canvas.disc(feature.centre, 7.5, surface_paint(feature.tags, "worn asphalt"))
    if first(feature.tags, "highway") == "turning_loop":
        canvas.disc(feature.centre, 3.2, paint(tone("grass", canvas.light.season), "grass"))


def _mini_roundabout(canvas: Canvas, feature: Feature) -> None:
    canvas.disc(feature.centre, 8.0, surface_paint(feature.tags, "asphalt"))
    canvas.disc(feature.centre, 2.0, _WHITE)


def _look(rank: float) -> Look:
    return (
        Pass(Layer.ROAD_EDGE, _edges, rank),
        Pass(Layer.ROAD, _surface, rank),
        Pass(Layer.ROAD_MARK, _marks, rank),
    )


def _bridge_look(rank: float) -> Look:
    return (
        Pass(Layer.BRIDGE_EDGE, _bridge, rank),
        Pass(Layer.BRIDGE, _surface, rank),
        Pass(Layer.BRIDGE_MARK, _marks, rank),
    )


_SQUARE: Look = (Pass(Layer.ROAD_EDGE, _square, -1),)
_PAVED: Look = (Pass(Layer.ROAD_EDGE, _plain_area, -1),)
_TURNING: Look = (Pass(Layer.ROAD_EDGE, _turning_circle, 20),)

LINES: Looks = {"highway": {name: _look(road.rank) for name, road in ROADS.items()}}
"""Roads on the ground."""
BRIDGES: Looks = {"highway": {name: _bridge_look(road.rank) for name, road in ROADS.items()}}
"""Roads on bridges."""
AREAS: Looks = {
    "highway": {
        "pedestrian": _SQUARE,
        "footway": _SQUARE,
        "living_street": _SQUARE,
        "steps": (Pass(Layer.ROAD, _steps_area, 2),),
        "*": _PAVED,
    },
    "area:highway": {"pedestrian": _SQUARE, "footway": _SQUARE, "*": _PAVED},
}
POINTS: Looks = {
    "highway": {
        "turning_circle": _TURNING,
        "turning_loop": _TURNING,
        "mini_roundabout": (Pass(Layer.ROAD_MARK, _mini_roundabout),),
    }
}
