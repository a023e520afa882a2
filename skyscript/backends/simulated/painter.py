"""The painter: it draws any look on the canvas, as a few passes over each feature."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import AREA, LINE, POINT, Feature, Frame, Points
from skyscript.backends.simulated.looks import Layer, Look
from skyscript.backends.simulated.marks import Along
from skyscript.backends.simulated.relief import MOTIFS, relief
from skyscript.backends.simulated.tables import Paint, Tint, paint

_SMALLEST = 2.5
"""Canvas pixels of width below which an area is a line, and casts no shadow."""
_FINEST = 3.0
"""Canvas pixels of a period below which a pattern is its mean colour."""
_THINNEST = 0.65
"""Size in canvas pixels below which a part of a mark is not drawn."""
_NEAR = 8.0
"""Metres to a road within which a thing lies along or across it."""
_UNDER_BRIDGE: Paint = (58, 62, 62, 0)
_GREY: Paint = (150, 150, 150, 0)
_CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)])
_ROUND = np.linspace(0, 2 * math.pi, 33)
_DISC = np.stack((np.cos(_ROUND), np.sin(_ROUND)), axis=1) / 2

Draw = Callable[[Canvas, Feature, Look], None]


class Step(IntEnum):
    """The sort key within a layer."""

    EDGE = 0
    FILL = 1
    MARK = 2


class Pass(NamedTuple):
    """One pass over a feature; passes are sorted by the fields before ``draw``."""

    layer: Layer
    step: Step
    row: int
    size: float
    object_id: str
    draw: Draw
    feature: Feature
    look: Look


def passes(canvas: Canvas, feature: Feature, look: Look) -> Iterator[Pass]:
    """Give all passes over a feature."""
    row = 0 if feature.dimension == AREA else look.row
    if feature.dimension == POINT:
        feature = area_of_point(canvas, feature, look)

    def go(layer: Layer, step: Step, draw: Draw) -> Pass:
        return Pass(layer, step, row, -feature.size, feature.object_id, draw, feature, look)

    if look.edge is not None or look.layer is Layer.BRIDGE:
        yield go(look.layer, Step.EDGE, _edge)
    if look.colour:
        yield go(look.layer, Step.FILL, _fill)
    if look.mark is not None:
        yield go(look.layer, Step.MARK, _mark)
    if look.height and look.layer not in (Layer.BRIDGE, Layer.WIRE):
        yield go(Layer.CAST, Step.EDGE, _shadow)


def area_of_point(canvas: Canvas, feature: Feature, look: Look) -> Feature:
    """Give a point as the area that its look has."""
    place, metre = feature.outline[0], canvas.metre
    width = look.width or 1.0
    length, angle = look.length or width, feature.uniform("turn") * math.pi
    if look.layer is Layer.CROWN:
        width = length = width * (0.7 + 0.6 * feature.uniform("size"))
    elif look.form in ("along", "across"):
        angle, road = _road(canvas, place, length)
        if look.form == "across":
            angle, length = angle + math.pi / 2, road
    elif feature.turn is not None:
        angle = feature.turn
    frame = Frame(float(place[0]), float(place[1]), angle, length * metre, width * metre)
    ring = frame.to_pixels((_DISC if look.form == "disc" else _CORNERS) * frame[3:])
    result = replace(feature, dimension=AREA, parts=[ring], outline=ring)
    result.size = frame.length * frame.width
    result.frame = frame
    return result


def _road(canvas: Canvas, place: Points, width: float) -> tuple[float, float]:
    """Give direction (radians) and width (metres) of the road at a place; else ``width``."""
    if len(canvas.roads.value):
        best, apart = canvas.roads.nearest(place)
        if math.hypot(*apart) <= _NEAR * canvas.metre:
            x, y = canvas.roads.way[best]
            return math.atan2(y, x), float(canvas.roads.value[best])
    return 0.0, width


def _base(canvas: Canvas, feature: Feature, look: Look) -> Paint:
    """Give the paint of a feature's fill: a colour of its look, a little brighter or darker."""
    if not look.colour:
        return _GREY
    chosen = look.colour[int(feature.uniform("colour") * len(look.colour))]
    return paint(chosen, canvas.light.season, factor=0.94 + 0.12 * feature.uniform("tone"))


def _resolve(canvas: Canvas, tint: Tint, base: Paint) -> Paint:
    return paint(tint, canvas.light.season, base)


def _edge(canvas: Canvas, feature: Feature, look: Look) -> None:
    """Draw the surroundings: banks, pavements, decks, and the shadow of a bridge."""
    width = look.width if feature.dimension == LINE else 0.0
    tint, wide = look.edge or (Tint((196, 192, 184)), 0.6)
    if look.layer is Layer.BRIDGE and feature.dimension == LINE:
        for line in feature.parts:
            canvas.line(line + canvas.thrown(5.0), width + 2 * wide, _UNDER_BRIDGE)
    for line in feature.parts:
        canvas.line(line, width + 2 * wide, _resolve(canvas, tint, _GREY))


def _fill(canvas: Canvas, feature: Feature, look: Look) -> None:
    base, frame, pattern = _base(canvas, feature, look), feature.frame, look.pattern
    if feature.dimension == LINE or frame.width < _SMALLEST:
        lines, width = _lines(canvas, feature, look)
        for line in lines:
            canvas.line(line, width, base)
        return
    canvas.fill(feature.parts, base)
    if (patch := canvas.patch(feature.parts)) is None:
        return
    if pattern is not None and pattern.kind == "rings":
        middle, paints = frame.to_pixels(np.zeros(2)), (base, _resolve(canvas, pattern.tint, base))
        for count in range(1, round(pattern.along) + 1):
            ring = (feature.outline - middle) * (1 - pattern.share * count) + middle
            canvas.fill([ring], paints[count % 2])
    elif pattern is not None:
        mark = _resolve(canvas, pattern.tint, base)
        periods = np.array((pattern.along, pattern.across)) * canvas.metre
        u, v = (far / period for far, period in zip(patch.place(frame), periods, strict=True))
        cover = MOTIFS[pattern.kind](u - np.floor(u), v - np.floor(v), pattern.share)
        canvas.blend(patch, cover if periods.min() > _FINEST else cover.mean() + 0 * u, base, mark)
    if look.ridge and min(patch.mask.shape) > 1:
        frame = frame.across() if feature.tags.get("roof:orientation") == "across" else frame
        canvas.lit(patch, relief(look.ridge, *patch.place(frame), frame, canvas.light))


def _lines(canvas: Canvas, feature: Feature, look: Look) -> tuple[list[Points], float]:
    """Give the lines of a feature, or an area's long axis, and their width in metres."""
    if feature.dimension == LINE:
        return feature.parts, look.width
    frame = feature.frame
    ends = np.array([(-0.5, 0.0), (0.5, 0.0)]) * frame.length
    return [frame.to_pixels(ends)], frame.width / canvas.metre


def _mark(canvas: Canvas, feature: Feature, look: Look) -> None:
    """Draw a mark along lines, or once in the middle of an area, as large as fits."""
    mark, frame, base = look.mark, feature.frame, _base(canvas, feature, look)
    if mark is None:
        return
    if look.pattern is not None and look.width:
        base = _resolve(canvas, look.pattern.tint, base)
    lines, width = _lines(canvas, feature, look)
    for along in mark.along:
        for line in lines:
            _draw_along(canvas, line, width, along, _resolve(canvas, along.tint, base))
    scale = canvas.metre
    if mark.length:
        fits = min(frame.length / mark.length, frame.width / mark.width)
        scale = fits if look.width else min(scale, fits)
    for stroke in mark.strokes:
        points = frame.to_pixels(stroke.points, scale)
        ink = _resolve(canvas, stroke.tint, base)
        if stroke.width:
            canvas.line(points, stroke.width * scale / canvas.metre, ink)
        elif np.ptp(frame.from_pixels(points), axis=0).min() > _THINNEST:
            canvas.fill([points], ink)


def _draw_along(canvas: Canvas, line: Points, width: float, along: Along, ink: Paint) -> None:
    offset = (along.offset + along.share * width) * canvas.metre
    run = parallel(line, offset) if offset else line
    if not along.every:
        canvas.line(run, along.width, ink)
        return
    size = np.array((along.length, along.width)) * canvas.metre
    if size.min() < _THINNEST:
        return
    found = canvas.stations(run, along.every, along.length / 2)
    for (x, y), turn in zip(found.place, found.turn, strict=True):
        canvas.fill([Frame(x, y, turn, *size).to_pixels(_CORNERS * size)], ink)


def parallel(line: Points, pixels: float) -> Points:
    """Give a line's parallel, so many pixels to the right of its direction."""
    way = np.gradient(line, axis=0)
    normal = np.stack((-way[:, 1], way[:, 0]), axis=1)
    result: Points = line + normal / np.maximum(np.hypot(*way.T), 1e-9)[:, None] * pixels
    return result


def _shadow(canvas: Canvas, feature: Feature, look: Look) -> None:
    """Draw the shadow: of a wall, a block, or (without a fill) a pole."""
    if feature.dimension == LINE:
        canvas.cast_walls(feature.parts, look.height)
    elif look.colour and feature.frame.width >= _SMALLEST:
        canvas.cast_block(feature.parts, look.height)
    elif not look.colour:
        pole = _CORNERS * max(0.5, look.width * 0.05) * canvas.metre
        canvas.cast_block([pole + np.array(feature.frame[:2])], look.height)
