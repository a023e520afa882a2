"""The painter: it draws any look on the canvas, as a few passes over each feature."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import AREA, LINE, POINT, Feature, Frame, Points
from skyscript.backends.simulated.looks import Layer, Look
from skyscript.backends.simulated.marks import BOX, Along, arc
from skyscript.backends.simulated.relief import relief
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
_DECK = Tint((196, 192, 184)), 0.6
_DISC = arc(0, 0, 0.5, 0, 360)


class Pass(NamedTuple):
    """One pass over a feature; passes are done in their order."""

    order: tuple[Layer, int, int, float, str]
    """Within a layer edges before fills before marks, then the row of the look, then the size."""
    draw: Callable[[], None]


def passes(canvas: Canvas, feature: Feature, look: Look) -> Iterator[Pass]:
    """Give all passes over a feature."""
    row = 0 if feature.dimension == AREA else look.row
    if feature.dimension == POINT:
        feature = area_of_point(canvas, feature, look)
    painter = _Painter(canvas, feature, look)
    end = row, -feature.size, feature.object_id
    if look.edge is not None or look.layer is Layer.BRIDGE:
        yield Pass((look.layer, 0, *end), painter.edge)
    if look.colour:
        yield Pass((look.layer, 1, *end), painter.fill)
    if look.mark is not None:
        yield Pass((look.layer, 2, *end), painter.mark)
    if look.height and look.layer not in (Layer.BRIDGE, Layer.WIRE):
        yield Pass((Layer.CAST, 0, *end), painter.shadow)


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
    ring = frame.to_pixels((_DISC if look.form == "disc" else BOX) * frame[3:])
    result = replace(feature, dimension=AREA, parts=[ring], outline=ring)
    result.size = frame.length * frame.width
    result.frame = frame
    return result


def _road(canvas: Canvas, place: Points, width: float) -> tuple[float, float]:
    """Give direction (radians) and width (metres) of the road at a place; else ``width``."""
    piece = canvas.roads.nearest(place, _NEAR * canvas.metre)
    if piece is None:
        return 0.0, width
    x, y = np.diff(canvas.roads.ends[piece], axis=0)[0]
    return math.atan2(y, x), canvas.roads.values[piece]


@dataclass(frozen=True)
class _Painter:
    """Draws a feature on the canvas with a look."""

    canvas: Canvas
    feature: Feature
    look: Look

    @cached_property
    def base(self) -> Paint:
        """The paint of the fill: a colour of the look, a little brighter or darker."""
        if not (colours := self.look.colour):
            return _GREY
        chosen = colours[int(self.feature.uniform("colour") * len(colours))]
        tone = 0.94 + 0.12 * self.feature.uniform("tone")
        return paint(chosen, self.canvas.light.season, factor=tone)

    def ink(self, tint: Tint, base: Paint | None = None) -> Paint:
        """Give the paint of a tint over a base, which is by default that of the fill."""
        return paint(tint, self.canvas.light.season, base or self.base)

    def lines(self) -> tuple[list[Points], float]:
        """Give the lines of the feature, or an area's long axis, and their width in metres."""
        if self.feature.dimension == LINE:
            return self.feature.parts, self.look.width
        frame = self.feature.frame
        ends = np.array([(-0.5, 0.0), (0.5, 0.0)]) * frame.length
        return [frame.to_pixels(ends)], frame.width / self.canvas.metre

    def edge(self) -> None:
        """Draw the surroundings: banks, pavements, decks, and the shadow of a bridge."""
        is_line = self.feature.dimension == LINE
        tint, wide = self.look.edge or _DECK
        width = (self.look.width if is_line else 0.0) + 2 * wide
        if is_line and self.look.layer is Layer.BRIDGE:
            for line in self.feature.parts:
                self.canvas.line(line + self.canvas.thrown(5.0), width, _UNDER_BRIDGE)
        for line in self.feature.parts:
            self.canvas.line(line, width, self.ink(tint))

    def fill(self) -> None:
        """Fill the feature with its colour, its pattern and its relief."""
        canvas, feature, frame = self.canvas, self.feature, self.feature.frame
        if feature.dimension == LINE or frame.width < _SMALLEST:
            lines, width = self.lines()
            for line in lines:
                canvas.line(line, width, self.base)
            return
        canvas.fill(feature.parts, self.base)
        self.pattern()
        patch = canvas.patch(feature.parts)
        if self.look.ridge and patch is not None and min(patch.mask.shape) > 1:
            frame = frame.across() if feature.tags.get("roof:orientation") == "across" else frame
            canvas.lit(patch, relief(self.look.ridge, *patch.place(frame), frame, canvas.light))

    def pattern(self) -> None:
        """Draw what repeats over an area."""
        canvas, frame, pattern = self.canvas, self.feature.frame, self.look.pattern
        if pattern is None or (patch := canvas.patch(self.feature.parts)) is None:
            return
        paints = self.base, self.ink(pattern.tint)
        if pattern.motif is None:
            middle = np.array(frame[:2])
            for count in range(1, round(pattern.along) + 1):
                ring = (self.feature.outline - middle) * (1 - pattern.share * count) + middle
                canvas.fill([ring], paints[count % 2])
            return
        periods = np.array((pattern.along, pattern.across)) * canvas.metre
        u, v = (far / period for far, period in zip(patch.place(frame), periods, strict=True))
        cover = pattern.motif(u - np.floor(u), v - np.floor(v), pattern.share)
        if periods.min() <= _FINEST:
            cover = np.full(u.shape, cover.mean())
        canvas.blend(patch, cover, *paints)

    def mark(self) -> None:
        """Draw the mark along lines, or once in the middle of an area, as large as fits."""
        mark, frame, metre = self.look.mark, self.feature.frame, self.canvas.metre
        assert mark is not None
        base = self.base
        if self.look.pattern is not None and self.look.width:
            base = self.ink(self.look.pattern.tint)
        lines, width = self.lines()
        for along in mark.along:
            for line in lines:
                self.along(line, width, along, self.ink(along.tint, base))
        scale = metre
        if mark.length:
            fits = min(frame.length / mark.length, frame.width / mark.width)
            scale = fits if self.look.width else min(scale, fits)
        for stroke in mark.strokes:
            points, ink = frame.to_pixels(stroke.points, scale), self.ink(stroke.tint, base)
            if stroke.width:
                self.canvas.line(points, stroke.width * scale / metre, ink)
            elif np.ptp(stroke.points, axis=0).min() * scale > _THINNEST:
                self.canvas.fill([points], ink)

    def along(self, line: Points, width: float, along: Along, ink: Paint) -> None:
        """Draw a stroke or bars along a line."""
        metre = self.canvas.metre
        run = parallel(line, (along.offset + along.share * width) * metre)
        size = np.array((along.length, along.width)) * metre
        if not along.every:
            self.canvas.line(run, along.width, ink)
        elif size.min() > _THINNEST:
            for _, (x, y), turn in self.canvas.stations(run, along.every, along.length / 2):
                self.canvas.fill([Frame(x, y, turn, *size).to_pixels(BOX * size)], ink)

    def shadow(self) -> None:
        """Draw the shadow: of a wall, a block, or (without a fill) a pole."""
        canvas, feature, look = self.canvas, self.feature, self.look
        if feature.dimension == LINE:
            canvas.cast_walls(feature.parts, look.height)
        elif not look.colour:
            pole = BOX * max(0.5, look.width * 0.05) * canvas.metre
            canvas.cast_block([pole + np.array(feature.frame[:2])], look.height)
        elif feature.frame.width >= _SMALLEST:
            canvas.cast_block(feature.parts, look.height)


def parallel(line: Points, pixels: float) -> Points:
    """Give the parallel of a line, ``pixels`` to the right of its direction."""
    way = np.gradient(line, axis=0)
    normal = np.stack((-way[:, 1], way[:, 0]), axis=1)
    result: Points = line + normal / np.maximum(np.hypot(*way.T), 1e-9)[:, None] * pixels
    return result
