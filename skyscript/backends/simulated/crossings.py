"""What lies across a road: crossings, humps, tables; turned by the nearest road's direction."""

from __future__ import annotations

import math

import numpy as np

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.materials import paint
from skyscript.backends.simulated.values import first

_WHITE = paint((236, 236, 230))
_YELLOW = paint((232, 196, 70))


def crossing(canvas: Canvas, feature: Feature) -> None:
    """Draw a crossing over the nearest road: zebra bars, or two thin lines, or a coloured table."""
    kind = first(feature.tags, "crossing:markings") or first(feature.tags, "crossing")
    if kind in ("unmarked", "no", "informal"):
        return
    if feature.is_line:
        for line in feature.parts:
            start, end = line[0], line[-1]
            along = math.atan2(end[1] - start[1], end[0] - start[0])
            length = float(np.hypot(*(end - start))) / canvas.metre
            _zebra(canvas, tuple((start + end) / 2), along, min(length, 30.0), kind)
        return
    angle, width = canvas.heading(feature.centre, 8.0)
    _zebra(canvas, feature.centre, angle + math.pi / 2, width, kind)


def _zebra(
    canvas: Canvas, centre: tuple[float, float], across: float, width: float, kind: str
) -> None:
    x, y = centre
    cos, sin = math.cos(across) * canvas.metre, math.sin(across) * canvas.metre
    if kind in ("traffic_signals", "marked", "lines", "dashes", "surface", "uncontrolled"):
        for side in (-1.7, 1.7):
            canvas.box((x - sin * side, y + cos * side), across, (width, 0.35), _WHITE)
        if kind != "uncontrolled":
            return
    bars = max(2, int(width / 1.0))
    for bar in range(bars):
        step = (bar + 0.5) * width / bars - width / 2
        canvas.box((x + cos * step, y + sin * step), across, (width / bars * 0.5, 3.2), _WHITE)


def _hump(canvas: Canvas, feature: Feature) -> None:
    """Draw what calms the traffic across the road: by kind its own depth and colours."""
    kind = first(feature.tags, "traffic_calming")
    angle, width = canvas.heading(feature.centre, 6.0)
    across = angle + math.pi / 2
    depth = {"table": 6.0, "cushion": 2.0, "hump": 3.0, "bump": 0.9, "rumble_strip": 4.0}.get(
        kind, 2.5
    )
    if kind == "island":
        canvas.box(feature.centre, angle, (7.0, 2.4), paint((150, 154, 120), "grass"))
        return
    tint = {"table": (176, 96, 80), "cushion": (150, 70, 62)}.get(kind, (92, 90, 92))
    canvas.box(feature.centre, across, (width, depth), paint(tint, "paving"))
    bars = 1 if kind == "bump" else 5
    for bar in range(bars):
        step = ((bar + 0.5) / bars - 0.5) * width * canvas.metre
        place = (
            feature.centre[0] + math.cos(across) * step,
            feature.centre[1] + math.sin(across) * step,
        )
        canvas.box(
            place, across, (width / bars * 0.5, depth * 0.6), _YELLOW if kind == "bump" else _WHITE
        )


CROSSING: Look = (Pass(Layer.ROAD_MARK, crossing, 50),)

"""Of a footway that crosses a road."""
POINTS: Looks = {
    "highway": {"crossing": CROSSING},
    "traffic_calming": {"*": (Pass(Layer.ROAD_MARK, _hump),)},
}
