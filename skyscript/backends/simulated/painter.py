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
from skyscript.backends.simulated.marks import Along, Mark
from skyscript.backends.simulated.motifs import MOTIFS, motif_of
from skyscript.backends.simulated.ridges import relief
from skyscript.backends.simulated.tables import Paint, Tint, paint

_SMALLEST = 2.5
"""Canvas pixels below which a point is a dot, and a roof has no relief."""
_FINEST = 3.0
"""Canvas pixels of a period below which a pattern is its mean colour."""
_THINNEST = 0.7
"""Size in canvas pixels below which a part of a mark is not drawn."""
_FAINTEST = 0.3
"""Size in canvas pixels below which a dash is not drawn."""
_MOST_COURTS = 12
_UNDER_BRIDGE: Paint = (58, 62, 62, 0)
_CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)])


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
    if look.height and look.layer is not Layer.BRIDGE:
        yield go(Layer.CAST, Step.EDGE, _shadow)


def area_of_point(canvas: Canvas, feature: Feature, look: Look) -> Feature:
    """Give a point as the area that its look has."""
    place, metre = feature.outline[0], canvas.metre
    width = look.width or 1.0
    length, angle = look.length or width, feature.uniform("turn") * math.pi
    if look.form in ("lobes", "star"):
        width = length = width * (0.7 + 0.6 * feature.uniform("size"))
    elif look.form in ("along", "across"):
        angle, road = canvas.heading(place, length)
        if look.form == "across":
            angle, length = angle + math.pi / 2, road
    elif feature.turn is not None:
        angle = feature.turn
    frame = Frame(float(place[0]), float(place[1]), angle, length * metre, width * metre)
    if look.form in ("box", "along", "across"):
        ring = _CORNERS * (frame.length, frame.width)
    else:
        turn = np.linspace(0, 2 * math.pi, 33)
        waves = {"lobes": (5, 0.09), "star": (8, 0.3)}.get(look.form, (1, 0.0))
        far = frame.width / 2 * (1 + waves[1] * np.sin(waves[0] * turn))
        ring = np.stack((np.cos(turn) * far, np.sin(turn) * far), axis=1)
    ring = frame.to_pixels(ring, 1.0)
    result = replace(feature, dimension=AREA, parts=[ring], outline=ring)
    result.size = frame.length * frame.width
    result.frame = frame._replace(angle=0.0) if look.ridge else frame
    return result


def fill_paint(canvas: Canvas, feature: Feature, look: Look) -> Paint:
    """Give the paint of a feature's fill: a colour of its look, a little brighter or darker."""
    tints = look.colour
    chosen = tints[int(feature.uniform("colour") * len(tints))] if len(tints) > 1 else tints[0]
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
        ring = line if feature.dimension == LINE else np.concatenate((line, line[1:2]))
        canvas.line(ring, width + 2 * wide, _resolve(canvas, tint, (150, 150, 150, 0)))


def _fill(canvas: Canvas, feature: Feature, look: Look) -> None:
    base = fill_paint(canvas, feature, look)
    if feature.dimension == LINE:
        for line in feature.parts:
            canvas.line(line, look.width, base)
        return
    frame = feature.frame
    if frame.width < 1:
        canvas.dot((frame.x, frame.y), math.sqrt(frame.length * frame.width) / 2, base)
        return
    _cover(canvas, feature, look, base)
    if look.ridge and frame.width >= _SMALLEST:
        turned = feature.tags.get("roof:orientation") == "across"
        light = relief(look.ridge, frame.across() if turned else frame, canvas.light)
        canvas.relief(feature.parts, frame.across() if turned else frame, light)


def _cover(canvas: Canvas, feature: Feature, look: Look, base: Paint) -> None:
    """Fill an area with its colour and pattern."""
    pattern, frame = look.pattern, feature.frame
    if pattern is None or (pattern.kind not in MOTIFS and frame.width < _SMALLEST):
        canvas.fill(feature.parts, base)
        return
    mark = _resolve(canvas, pattern.tint, base)
    periods = pattern.along, pattern.across
    if pattern.kind in MOTIFS:
        motif = motif_of(pattern.kind, base, mark, pattern.share)
        if min(periods) * canvas.metre >= _FINEST:
            canvas.motif(feature.parts, frame, motif, periods)
        else:
            red, green, blue = motif[:, :, :3].mean(axis=(0, 1)).round().astype(int).tolist()
            canvas.fill(feature.parts, (red, green, blue, base[3]))
        return
    canvas.fill(feature.parts, base)
    if pattern.kind == "ribs" and periods[0] * canvas.metre >= _FINEST:
        turned = frame.across() if pattern.across else frame
        canvas.ribs(feature.parts, turned, periods[0], 1 - pattern.tint.factor)
    elif pattern.kind == "rings" and len(feature.parts) == 1:
        middle = np.array((frame.x, frame.y))
        for count in range(1, round(pattern.along) + 1):
            ring = (feature.outline - middle) * (1 - pattern.share * count) + middle
            canvas.fill([ring], mark if count % 2 else base)


def _mark(canvas: Canvas, feature: Feature, look: Look) -> None:
    assert look.mark is not None
    base = fill_paint(canvas, feature, look) if look.colour else (150, 150, 150, 0)
    if look.pattern is not None and look.width:
        base = _resolve(canvas, look.pattern.tint, base)
    lines, width = feature.parts, look.width
    if look.mark.along and feature.dimension == AREA:
        frame = feature.frame
        ends = np.array([(-0.5, 0.0), (0.5, 0.0)]) * frame.length
        lines, width = [frame.to_pixels(ends, 1.0)], frame.width / canvas.metre
    for along in look.mark.along:
        for line in lines:
            _draw_along(canvas, line, width, along, _resolve(canvas, along.tint, base))
    if feature.dimension == LINE or look.mark.along:
        for line in lines:
            for end, inner in ((line[0], line[1]), (line[-1], line[-2])):
                angle = math.atan2(inner[1] - end[1], inner[0] - end[0])
                _draw(canvas, Frame(end[0], end[1], angle, 0, 0), canvas.metre, look.mark, base)
        return
    for part in _places(canvas, feature, look):
        scale = canvas.metre
        if look.mark.length:
            scale = min(part.length / look.mark.length, part.width / look.mark.width)
            if not look.width:
                scale = min(scale, canvas.metre)
        _draw(canvas, part, scale, look.mark, base)


def _draw(canvas: Canvas, frame: Frame, scale: float, mark: Mark, base: Paint) -> None:
    """Draw the strokes of a mark, ``scale`` pixels to its metre."""
    for stroke in mark.strokes:
        points = frame.to_pixels(stroke.points, scale)
        ink = _resolve(canvas, stroke.tint, base)
        if stroke.width:
            canvas.line(points, stroke.width * scale / canvas.metre, ink)
        elif stroke.thin * scale > _THINNEST:
            canvas.fill([points], ink)


def _draw_along(canvas: Canvas, line: Points, width: float, along: Along, ink: Paint) -> None:
    offset = along.offset * (width if along.share else 1.0) * canvas.metre
    run = parallel(line, offset) if offset else line
    if not along.dash:
        canvas.line(run, along.width, ink)
        return
    found = canvas.stations(run, along.dash)
    length, width = (along.tie or along.dash) * canvas.metre, along.width * canvas.metre
    if min(length, width) < _FAINTEST:
        return
    every = slice(None) if along.tie else found.number % 2 == 0
    for (x, y), (dx, dy) in zip(found.place[every], found.way[every], strict=True):
        bar = Frame(x, y, math.atan2(dy, dx), length, width)
        canvas.fill([bar.to_pixels(_CORNERS * (length, width), 1.0)], ink)


def parallel(line: Points, pixels: float) -> Points:
    """Give a line's parallel, so many pixels to the right of its direction."""
    way = (
        np.gradient(line, axis=0) if len(line) > 2 else np.repeat(np.diff(line, axis=0), 2, axis=0)
    )
    normal = np.stack((-way[:, 1], way[:, 0]), axis=1)
    result: Points = line + normal / np.maximum(np.hypot(*way.T), 1e-9)[:, None] * pixels
    return result


def _places(canvas: Canvas, feature: Feature, look: Look) -> list[Frame]:
    """Give the frames of a mark: one in the middle, or rows of frames if several fit."""
    frame, mark = feature.frame, look.mark
    if mark is None or not mark.length or look.width or look.layer is not Layer.COURT:
        return [frame]
    length, width = frame.length / canvas.metre, frame.width / canvas.metre
    options = []
    for turned, (along, across) in ((0, (mark.length, mark.width)), (1, (mark.width, mark.length))):
        columns, rows = (max(1, round(side - 0.12)) for side in (length / along, width / across))
        waste = abs(length - columns * along) + abs(width - rows * across)
        options.append((waste, turned, columns, rows))
    _, turned, columns, rows = min(options)
    columns, rows = min(columns, _MOST_COURTS), min(rows, _MOST_COURTS)
    result = []
    for column in range(columns):
        for row in range(rows):
            shares = (column + 0.5) / columns - 0.5, (row + 0.5) / rows - 0.5
            middle = np.array([shares]) * (frame.length, frame.width)
            x, y = frame.to_pixels(middle, 1.0)[0].tolist()
            part = Frame(x, y, frame.angle, frame.length / columns, frame.width / rows)
            result.append(part.across() if turned else part)
    return result


def _shadow(canvas: Canvas, feature: Feature, look: Look) -> None:
    if feature.dimension == LINE:
        lifted = look.layer is Layer.WIRE
        width = 0.2 if lifted else max(look.width, look.height * canvas.light.stretch * 0.7)
        for line in feature.parts:
            canvas.cast_line(line + canvas.thrown(look.height * (1 if lifted else 0.5)), width)
    elif look.ridge in ("crown", "star"):
        canvas.cast_lifted([ring + canvas.thrown(look.height * 0.6) for ring in feature.parts])
    elif look.colour:
        canvas.cast(feature.parts, look.height)
    else:
        foot = np.array([(feature.frame.x, feature.frame.y)])
        pole = max(0.5, look.width * 0.05)
        canvas.cast_line(np.concatenate((foot, foot + canvas.thrown(look.height))), pole)
