"""Airfields: runways with their markings, taxiways, aprons with aeroplanes, helipads."""

from __future__ import annotations

import math

import numpy as np

from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature, Points
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.lines import parallel
from skyscript.backends.simulated.materials import paint, tone
from skyscript.backends.simulated.pixels import Place
from skyscript.backends.simulated.rooftops import letter_h
from skyscript.backends.simulated.surfaces import surface_paint
from skyscript.backends.simulated.values import first, number

_WHITE = paint((240, 240, 236))


def _runway(canvas: Canvas, feature: Feature) -> None:
    """Draw a runway: centre line, edges, threshold bars and touch-down marks at both ends."""
    width = number(feature.tags, "width", 40.0, 5, 100)
    base = surface_paint(feature.tags, "asphalt", 0.9)
    paved = first(feature.tags, "surface") not in (
        "grass",
        "dirt",
        "ground",
        "gravel",
        "unpaved",
        "earth",
        "sand",
    )
    if feature.is_area:
        canvas.fill(feature.parts, base)
        frame = feature.frame
        along = np.array([math.cos(frame.angle), math.sin(frame.angle)]) * frame.length / 2
        middle = np.array([frame.x, frame.y])
        lines, width = [np.stack((middle - along, middle + along))], frame.width / canvas.metre
    else:
        lines = feature.parts
        for line in lines:
            canvas.line(line, width + 6, paint(tone("lawn", canvas.light.season), "lawn"))
            canvas.line(line, width, base)
    for line in lines if paved else []:
        _runway_marks(canvas, line, width)


def _runway_marks(canvas: Canvas, line: np.ndarray, width: float) -> None:
    stations = canvas.stations(line, 50.0)
    for (x, y), (dx, dy) in zip(stations.place.tolist(), stations.way.tolist(), strict=True):
        canvas.box((x, y), math.atan2(dy, dx), (30, max(0.9, width * 0.02)), _WHITE)
    for side in (-1, 1):
        canvas.line(parallel(line, side * width * 0.46 * canvas.metre), 0.9, _WHITE)
    for end, inner in ((line[0], line[1]), (line[-1], line[-2])):
        way = (inner - end) / max(float(np.hypot(*(inner - end))), 1e-9)
        angle = math.atan2(way[1], way[0])
        normal = np.array([-way[1], way[0]])
        for bar in range(8):
            off = (bar - 3.5) / 8 * width * 0.82
            x, y = end + (way * 22 + normal * off) * canvas.metre
            canvas.box((x, y), angle, (30, width * 0.05), _WHITE)
        for off in (-0.2, 0.2):
            x, y = end + (way * 150 + normal * off * width) * canvas.metre
            canvas.box((x, y), angle, (45, width * 0.1), _WHITE)


def _taxiway(canvas: Canvas, feature: Feature) -> None:
    base = surface_paint(feature.tags, "asphalt", 1.08)
    if feature.is_area:
        canvas.fill(feature.parts, base)
        return
    for line in feature.parts:
        canvas.line(line, number(feature.tags, "width", 15.0, 3, 60), base)
        canvas.line(line, 0.4, paint((236, 196, 60)))


def _apron(canvas: Canvas, feature: Feature) -> None:
    """Draw concrete slabs with parked aeroplanes."""
    base = surface_paint(feature.tags, "concrete")
    joint = (base[0] - 16, base[1] - 16, base[2] - 16, base[3])
    canvas.motif(
        feature.parts, feature.frame, motifs.lattice(base, joint, (0.05, 0.05)), (7.5, 7.5)
    )
    frame = feature.frame
    count = min(8, int(frame.length / canvas.metre / 45))
    for index in range(count):
        if feature.uniform(f"plane {index}") < 0.6:
            u = ((index + 0.5) / count - 0.5) * frame.length
            x, y = frame.x + u * math.cos(frame.angle), frame.y + u * math.sin(frame.angle)
            span = min(32.0, frame.width / canvas.metre * 0.7)
            plane(canvas, (x, y), frame.angle + math.pi / 2, span)


_HALF_PLANE = (
    ((0.52, 0.0), (0.45, 0.055), (-0.5, 0.03), (-0.5, 0.0)),
    ((0.14, 0.0), (-0.16, 0.5), (-0.24, 0.5), (-0.06, 0.0)),
    ((-0.38, 0.0), (-0.48, 0.17), (-0.53, 0.17), (-0.5, 0.0)),
)
"""Body, wing and tail of one side; spans from the middle."""


def plane(canvas: Canvas, place: Place, angle: float, span: float) -> None:
    """Draw an aeroplane and its shadow; ``span`` in metres."""
    scale = canvas.metre * span
    along = np.array([math.cos(angle), math.sin(angle)]) * scale
    across = np.array([-math.sin(angle), math.cos(angle)]) * scale
    shadow: Points = np.array(place) + canvas.thrown(2.5)
    for at, tint in ((shadow, paint((72, 74, 76))), (np.array(place), paint((240, 242, 244)))):
        for part in _HALF_PLANE:
            u, v = np.array(part).T[:, :, None]
            canvas.convex(at + u * along + v * across, tint)
            canvas.convex(at + u * along - v * across, tint)


def _helipad(canvas: Canvas, feature: Feature) -> None:
    size = 9.0
    if feature.is_area:
        canvas.fill(feature.parts, paint((120, 128, 124), "asphalt"))
        size = feature.frame.width / canvas.metre / 2 * 0.95
    letter_h(canvas, feature.centre, size)


def _windsock(canvas: Canvas, feature: Feature) -> None:
    x, y = feature.centre
    canvas.circle(feature.centre, 5.0, 0.5, _WHITE)
    for step in range(4):
        at = (x + step * 0.9 * canvas.metre, y - step * 0.5 * canvas.metre)
        canvas.disc(at, 0.6 - step * 0.09, paint((226, 96, 40)) if step % 2 == 0 else _WHITE)


_PAD: Look = (Pass(Layer.COURT_MARK, _helipad),)
_RUNWAY: Look = (Pass(Layer.COURT, _runway, 2),)
_TAXI: Look = (Pass(Layer.COURT, _taxiway, 1),)

LINES: Looks = {
    "aeroway": {"runway": _RUNWAY, "taxiway": _TAXI, "stopway": _TAXI, "parking_position": ()}
}
AREAS: Looks = {
    "aeroway": {
        "runway": _RUNWAY,
        "taxiway": _TAXI,
        "apron": (Pass(Layer.COURT, _apron),),
        "helipad": _PAD,
        "heliport": _PAD,
    }
}
POINTS: Looks = {
    "aeroway": {"helipad": _PAD, "heliport": _PAD, "windsock": (Pass(Layer.LOW, _windsock),)}
}
