"""Car parks: bays along aisles, with a car in most of them."""

from __future__ import annotations

import math

import numpy as np

from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature, Points
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.materials import Paint, paint
from skyscript.backends.simulated.noise import cell_uniform
from skyscript.backends.simulated.pixels import Place
from skyscript.backends.simulated.surfaces import surface_paint
from skyscript.backends.simulated.values import Colour, brighter, first

_BAY = (2.6, 16.5)
"""Metres: a bay's width, and a pair of bay rows with its aisle."""
_CARS: tuple[Colour, ...] = (
    (236, 238, 240),
    (206, 210, 214),
    (148, 152, 158),
    (62, 64, 70),
    (34, 36, 40),
    (60, 84, 132),
    (160, 46, 44),
    (214, 206, 188),
)
_MOST_CARS = 400


def _bay_motif(base: Paint) -> motifs.Motif:
    """Give a bay on either side of an aisle, with the white lines between bays."""
    motif = motifs.plain(base)
    line = np.array(paint((226, 226, 220)), np.uint8)
    depth = round(motifs.SIDE * 5.2 / _BAY[1])
    motif[:depth, :2] = line
    motif[-depth:, :2] = line
    motif[:1, :] = line
    return motif


def bays(canvas: Canvas, feature: Feature, base: Paint) -> None:
    """Draw a car park's ground, its bays and the cars in them."""
    frame = feature.frame
    if _BAY[0] * canvas.metre < 2 or frame.width < 5 * canvas.metre:
        canvas.fill(feature.parts, base)
    else:
        canvas.motif(feature.parts, frame, _bay_motif(base), _BAY)
    if canvas.metre >= 0.9:
        _cars(canvas, feature)


def _cars(canvas: Canvas, feature: Feature) -> None:
    frame, metre = feature.frame, canvas.metre
    cos, sin = math.cos(frame.angle), math.sin(frame.angle)
    columns = np.arange(
        math.ceil(-frame.length / 2 / metre / _BAY[0]),
        math.floor(frame.length / 2 / metre / _BAY[0]),
    )
    rows = np.arange(
        math.floor(-frame.width / 2 / metre / _BAY[1]),
        math.ceil(frame.width / 2 / metre / _BAY[1]) + 1,
    )
    if not len(columns) or not len(rows) or len(columns) * len(rows) > 40000:
        return
    i, j, side = (g.ravel() for g in np.meshgrid(columns, rows, (0, 1), indexing="ij"))
    u = (i + 0.5) * _BAY[0] * metre
    v = (j * _BAY[1] + np.where(side, 2.7, -2.7)) * metre
    place = np.stack((u * cos - v * sin + frame.x, u * sin + v * cos + frame.y), axis=1)
    full = 0.35 + 0.5 * feature.uniform("full")
    draws = cell_uniform(feature.seed("cars"), i.astype(np.int64), (j * 2 + side).astype(np.int64))
    margin = 3 * metre
    seen = (draws < full) & (place > -margin).all(axis=1)
    seen &= (place[:, 0] < canvas.width + margin) & (place[:, 1] < canvas.height + margin)
    seen[seen] = _inside(place[seen], feature.parts, metre)
    for (x, y), draw in list(zip(place[seen].tolist(), draws[seen].tolist(), strict=True))[
        :_MOST_CARS
    ]:
        car(canvas, (x, y), frame.angle + math.pi / 2, draw / full)


def _inside(places: Points, rings: list[Points], metre: float) -> np.ndarray:
    """Say which places lie inside rings (even-odd) with room for half a car around."""
    result = np.ones(len(places), bool)
    for dx, dy in ((2.0, 0), (-2.0, 0), (0, 2.0), (0, -2.0)):
        x, y = places[:, 0] + dx * metre, places[:, 1] + dy * metre
        odd = np.zeros(len(places), bool)
        for ring in rings:
            x0, y0, x1, y1 = ring[:-1, 0], ring[:-1, 1], ring[1:, 0], ring[1:, 1]
            spans = (y0 > y[:, None]) != (y1 > y[:, None])
            slope = np.where(y1 == y0, 1.0, y1 - y0)
            odd ^= (spans & (x[:, None] < x0 + (y[:, None] - y0) * (x1 - x0) / slope)).sum(
                axis=1
            ) % 2 == 1
        result &= odd
    return result


def car(canvas: Canvas, place: Place, angle: float, draw: float) -> None:
    """Draw a car, 4.4 m by 1.8 m: body, roof, windows and a little shadow."""
    tint = _CARS[int(draw * 7919) % len(_CARS)]
    dx, dy = canvas.thrown(0.8)
    if canvas.metre > 2.5:
        canvas.box((place[0] + dx, place[1] + dy), angle, (4.4, 1.8), paint((58, 58, 62)))
    canvas.box(place, angle, (4.4, 1.8), paint(tint))
    if canvas.metre > 5:
        canvas.box(place, angle, (2.5, 1.55), paint((52, 60, 70)))
        canvas.box(place, angle, (1.6, 1.5), paint(brighter(tint, 1.06)))


def _car_park(canvas: Canvas, feature: Feature) -> None:
    base = surface_paint(feature.tags, "worn asphalt", 0.93 + 0.12 * feature.uniform("tone"))
    if first(feature.tags, "parking") == "multi-storey":
        base = paint((188, 186, 180), "concrete")
    if feature.is_area:
        bays(canvas, feature, base)
    else:
        canvas.box(feature.centre, feature.uniform("turn") * math.pi, (22, 16), base)
        for count in range(5):
            x, y = feature.centre
            car(
                canvas,
                (x + (count - 2) * 2.8 * canvas.metre, y),
                math.pi / 2,
                feature.uniform(f"car {count}"),
            )


def _bay(canvas: Canvas, feature: Feature) -> None:
    """Draw a single parking space, or a few, with white lines."""
    base = surface_paint(feature.tags, "asphalt", 1.06)
    if feature.is_area:
        canvas.fill(feature.parts, base)
        for ring in feature.parts:
            canvas.ring(ring, 0.2, paint((232, 232, 228)))
        if first(feature.tags, "parking_space") == "disabled":
            canvas.box(feature.centre, feature.frame.angle, (1.6, 1.6), paint((40, 90, 180)))
        elif feature.uniform("car") < 0.6:
            car(canvas, feature.centre, feature.frame.angle, feature.uniform("which"))
    else:
        canvas.box(feature.centre, 0.0, (5.2, 2.6), base)
        car(canvas, feature.centre, 0.0, feature.uniform("which"))


def _bicycles(canvas: Canvas, feature: Feature) -> None:
    base = paint((176, 172, 166), "paving")
    bike = paint((72, 78, 92))
    if feature.is_area:
        canvas.motif(
            feature.parts, feature.frame, motifs.blocks(base, bike, (0.3, 0.85), None), (0.8, 2.2)
        )
        return
    canvas.box(feature.centre, 0.0, (4.0, 2.0), base)
    for count in range(5):
        x, y = feature.centre
        canvas.box((x + (count - 2) * 0.8 * canvas.metre, y), math.pi / 2, (1.7, 0.3), bike)


_PARK: Look = (Pass(Layer.COURT, _car_park),)
_SPACE: Look = (Pass(Layer.COURT_MARK, _bay),)
_BIKES: Look = (Pass(Layer.LOW, _bicycles),)
_TABLE = {
    "parking": _PARK,
    "parking_space": _SPACE,
    "bicycle_parking": _BIKES,
    "bicycle_rental": _BIKES,
    "motorcycle_parking": _BIKES,
    "car_sharing": _SPACE,
    "car_rental": _PARK,
    "taxi": _SPACE,
    "charging_station": _SPACE,
}
AREAS: Looks = {"amenity": _TABLE}
POINTS: Looks = {"amenity": _TABLE}
