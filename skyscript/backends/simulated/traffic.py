"""Rails, cableways, platforms."""

from __future__ import annotations

import math

import numpy as np

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.lines import parallel
from skyscript.backends.simulated.materials import paint
from skyscript.backends.simulated.surfaces import surface_paint
from skyscript.backends.simulated.values import first, number

_WHITE = paint((240, 240, 236))
_STEEL = paint((196, 194, 194), "metal")
_RUST = paint((140, 96, 72), "metal")
_BALLAST = paint((134, 120, 110), "gravel")
_GAUGE = 1.435


def _rails(canvas: Canvas, feature: Feature) -> None:
    """Draw ballast, sleepers and two rails; a tram's rails lie in the road."""
    kind = first(feature.tags, "railway")
    narrow = kind in ("narrow_gauge", "funicular", "miniature")
    gauge = 0.8 if narrow else _GAUGE
    bed = {
        "tram": paint((146, 142, 138), "concrete"),
        "light_rail": paint((150, 140, 126), "gravel"),
    }.get(kind, _BALLAST)
    rail = (
        _RUST
        if first(feature.tags, "service") in ("spur", "yard", "siding") or kind == "disused"
        else _STEEL
    )
    for line in feature.parts:
        canvas.line(line, 3.2 if kind == "tram" else 2.9 + gauge, bed)
        if kind != "tram":
            _sleepers(canvas, feature, line, gauge)
        for side in (-0.5, 0.5):
            canvas.line(parallel(line, side * gauge * canvas.metre), 0.17, rail)


def _sleepers(canvas: Canvas, feature: Feature, line: np.ndarray, gauge: float) -> None:
    tint = paint((96, 78, 64)) if feature.uniform("sleepers") < 0.5 else paint((178, 174, 166))
    if canvas.metre < 5:
        canvas.line(line, gauge * 1.6, paint((122, 108, 98), "gravel"))
        return
    stations = canvas.stations(line, 0.65)
    for (x, y), (dx, dy) in zip(stations.place.tolist(), stations.way.tolist(), strict=True):
        canvas.box((x, y), math.atan2(dy, dx), (0.26, gauge * 1.75), tint)


def _old_bed(canvas: Canvas, feature: Feature) -> None:
    for line in feature.parts:
        canvas.line(line, 4.0, paint((138, 130, 98), "rough grass"))
        canvas.line(line, 1.6, paint((128, 112, 94), "gravel"))


def _monorail(canvas: Canvas, feature: Feature) -> None:
    for line in feature.parts:
        canvas.cast_line(line, 1.0, 6.0)
        canvas.line(line, 1.0, paint((214, 212, 206), "concrete"))


def _platform(canvas: Canvas, feature: Feature) -> None:
    base = surface_paint(feature.tags, "concrete", 1.05)
    edge = paint((240, 226, 120))
    if feature.is_area:
        canvas.fill(feature.parts, base)
        for ring in feature.parts:
            canvas.ring(ring, 0.35, edge)
        return
    if feature.is_line:
        for line in feature.parts:
            canvas.line(line, 3.4, edge)
            canvas.line(line, 2.8, base)
        return
    angle, _ = canvas.heading(feature.centre, 6.0)
    canvas.box(feature.centre, angle, (9.0, 2.2), edge)
    canvas.box(feature.centre, angle, (8.6, 1.8), base)
    if first(feature.tags, "shelter") == "yes":
        canvas.box(feature.centre, angle, (4.0, 1.6), paint((150, 186, 200), "glass"))


def _cableway(canvas: Canvas, feature: Feature) -> None:
    for line in feature.parts:
        canvas.cast_line(line, 0.3, 8.0)
        for side in (-2.2, 2.2):
            wire = parallel(line, side * canvas.metre)
            canvas.line(wire, 0.22, paint((66, 66, 70)))
            for count, (x, y) in enumerate(canvas.stations(wire, 24.0).place.tolist()):
                canvas.box(
                    (x, y),
                    0.6 * count,
                    (1.6, 1.0),
                    paint((216, 60, 52) if side > 0 else (60, 60, 66)),
                )


def _pylon(canvas: Canvas, feature: Feature) -> None:
    canvas.box(feature.centre, 0.7, (1.2, 1.2), paint((176, 178, 182), "metal"))
    canvas.box(feature.centre, 0.7, (6.0, 0.5), paint((150, 154, 158), "metal"))


def _pylon_shadow(canvas: Canvas, feature: Feature) -> None:
    canvas.cast_pole(feature.centre, number(feature.tags, "height", 10, 2, 100), 0.9)


def _turntable(canvas: Canvas, feature: Feature) -> None:
    radius = feature.frame.width / canvas.metre / 2 if feature.is_area else 11.0
    canvas.disc(feature.centre, radius, paint((110, 104, 98), "gravel"))
    canvas.circle(feature.centre, radius * 0.95, 0.7, _STEEL)
    canvas.box(feature.centre, 0.5, (radius * 1.9, 3.0), paint((150, 146, 140), "concrete"))


def _buffer(canvas: Canvas, feature: Feature) -> None:
    canvas.box(feature.centre, 0.0, (2.6, 2.6), paint((206, 60, 48)))
    canvas.box(feature.centre, 0.0, (2.6, 0.8), _WHITE)


def _level_crossing(canvas: Canvas, feature: Feature) -> None:
    angle, width = canvas.heading(feature.centre, 6.0)
    canvas.box(feature.centre, angle, (5.0, width + 1), paint((98, 92, 88), "asphalt"))
    for side in (-5.0, 5.0):
        x = feature.centre[0] + math.cos(angle) * side * canvas.metre
        y = feature.centre[1] + math.sin(angle) * side * canvas.metre
        canvas.box((x, y), angle, (0.5, width), _WHITE)


_RAIL: Look = (Pass(Layer.RAIL, _rails),)
_PLATFORM: Look = (Pass(Layer.RAIL, _platform, 1),)
_OLD: Look = (Pass(Layer.ROAD_EDGE, _old_bed, -2),)
_CABLE: Look = (Pass(Layer.WIRE, _cableway),)
_PYLON: Look = (Pass(Layer.CAST, _pylon_shadow), Pass(Layer.TALL, _pylon))
_TABLE: Look = (Pass(Layer.RAIL, _turntable, 2),)
_TRACKS = (
    "rail",
    "tram",
    "light_rail",
    "narrow_gauge",
    "funicular",
    "preserved",
    "miniature",
    "disused",
    "construction",
)

LINES: Looks = {
    "railway": {
        **dict.fromkeys(_TRACKS, _RAIL),
        "abandoned": _OLD,
        "razed": (),
        "dismantled": (),
        "subway": (),
        "proposed": (),
        "monorail": (Pass(Layer.WIRE, _monorail),),
        "platform": _PLATFORM,
    },
    "public_transport": {"platform": _PLATFORM},
    "highway": {"platform": _PLATFORM},
    "aerialway": {"*": _CABLE},
}
AREAS: Looks = {
    "railway": {"platform": _PLATFORM, "turntable": _TABLE, "traverser": _TABLE},
    "public_transport": {"platform": _PLATFORM},
    "highway": {"platform": _PLATFORM, "bus_stop": _PLATFORM},
}
POINTS: Looks = {
    "railway": {
        "turntable": _TABLE,
        "buffer_stop": (Pass(Layer.LOW, _buffer),),
        "level_crossing": (Pass(Layer.ROAD_MARK, _level_crossing, 40),),
        "platform": _PLATFORM,
    },
    "public_transport": {"platform": _PLATFORM},
    "highway": {"bus_stop": _PLATFORM, "platform": _PLATFORM},
    "aerialway": {"pylon": _PYLON},
}
