"""Roofs by shape: their planes, each as bright as the sun that falls on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature, Frame, Points
from skyscript.backends.simulated.materials import Paint
from skyscript.backends.simulated.values import brighter

Half = tuple[float, float, float]
"""The points of a frame with a*u + b*v >= c; u along, v across it, in pixels from its centre."""
_SMALLEST = 5.0
"""Roofs narrower than this many canvas pixels show no planes."""


class Roof:
    """A roof being drawn: an outline, the frame of its ridge, a paint."""

    def __init__(self, canvas: Canvas, feature: Feature, base: Paint) -> None:
        self.canvas, self.base = canvas, base
        self.parts, self.outline = feature.parts, feature.outline
        frame = feature.frame
        if feature.tags.get("roof:orientation") == "across":
            frame = Frame(frame.x, frame.y, frame.angle + math.pi / 2, frame.width, frame.length)
        self.frame = frame
        self.cos, self.sin = math.cos(frame.angle), math.sin(frame.angle)

    def lit(self, u: float, v: float, slope: float = 1.0) -> Paint:
        """Give the paint of a plane that falls towards (u, v) of the frame."""
        dx, dy = self.canvas.light.away
        size = math.hypot(u, v) or 1.0
        x = (u * self.cos - v * self.sin) / size
        y = (u * self.sin + v * self.cos) / size
        return (*brighter(self.base[:3], 1 - 0.26 * slope * (x * dx + y * dy)), self.base[3])

    def plane(self, halves: tuple[Half, ...], paint: Paint) -> None:
        """Fill what of the outline lies in all the halves."""
        ring = self.local
        for half in halves:
            ring = _clipped(ring, half)
            if len(ring) < 3:
                return
        self.canvas.fill([self._global(ring)], paint)

    def crease(self, ends: tuple[float, float, float, float], factor: float = 1.28) -> None:
        """Draw a ridge or a hip between two points of the frame."""
        line = self._global(np.array(ends).reshape(2, 2))
        self.canvas.line(line, 0.3, (*brighter(self.base[:3], factor), self.base[3]))

    def shrunk(self, share: float, paint: Paint) -> None:
        """Fill the outline made smaller around the frame's centre."""
        self.canvas.fill([self._global(self.local * share)], paint)

    @cached_property
    def local(self) -> Points:
        """The outline in the frame: along and across, pixels."""
        x, y = self.outline[:, 0] - self.frame.x, self.outline[:, 1] - self.frame.y
        return np.stack((x * self.cos + y * self.sin, y * self.cos - x * self.sin), axis=1)

    def _global(self, points: Points) -> Points:
        u, v = points[:, 0], points[:, 1]
        x = u * self.cos - v * self.sin + self.frame.x
        y = u * self.sin + v * self.cos + self.frame.y
        return np.stack((x, y), axis=1)


def _clipped(ring: Points, half: Half) -> Points:
    """Cut a ring with a straight line (Sutherland and Hodgman)."""
    side = ring @ np.array(half[:2]) - half[2]
    inside = side >= 0
    if inside.all():
        return ring
    if not inside.any():
        return ring[:0]
    result = []
    for here in range(len(ring)):
        there = (here + 1) % len(ring)
        if inside[here]:
            result.append(ring[here])
        if inside[here] != inside[there]:
            share = side[here] / (side[here] - side[there])
            result.append(ring[here] + share * (ring[there] - ring[here]))
    return np.array(result)


def _gabled(roof: Roof) -> None:
    half = roof.frame.length / 2
    roof.plane(((0, 1, 0),), roof.lit(0, 1))
    roof.plane(((0, -1, 0),), roof.lit(0, -1))
    roof.crease((-half, 0, half, 0))


def _hipped(roof: Roof, inset: float = 1.0) -> None:
    half, wide = roof.frame.length / 2, roof.frame.width / 2
    ridge = max(0.0, half - wide * inset)
    _gabled_planes(roof)
    for side in (-1, 1):
        reach = wide / max(half - ridge, 1e-6)
        roof.plane(
            ((side * reach, 1, ridge * reach), (side * reach, -1, ridge * reach)), roof.lit(side, 0)
        )
        roof.crease((side * ridge, 0, side * half, wide), 1.16)
        roof.crease((side * ridge, 0, side * half, -wide), 1.16)
    if ridge:
        roof.crease((-ridge, 0, ridge, 0))


def _gabled_planes(roof: Roof) -> None:
    roof.plane(((0, 1, 0),), roof.lit(0, 1))
    roof.plane(((0, -1, 0),), roof.lit(0, -1))


def _half_hipped(roof: Roof) -> None:
    half, wide = roof.frame.length / 2, roof.frame.width / 2
    _gabled(roof)
    for side in (-1, 1):
        cut = half - wide * 0.45
        reach = 0.5 * wide / (half - cut)
        roof.plane(
            ((side * reach, 1, cut * reach), (side * reach, -1, cut * reach)), roof.lit(side, 0)
        )


def _pyramidal(roof: Roof) -> None:
    half, wide = roof.frame.length / 2, roof.frame.width / 2
    for u, v in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        if u:
            planes: tuple[Half, ...] = ((u * wide / half, 1, 0), (u * wide / half, -1, 0))
        else:
            planes = ((1, v * half / wide, 0), (-1, v * half / wide, 0))
        roof.plane(planes, roof.lit(u, v, 1.15))
    for u, v in ((1, 1), (1, -1)):
        roof.crease((-u * half, -v * wide, u * half, v * wide), 1.12)


def _skillion(roof: Roof) -> None:
    roof.plane((), roof.lit(0, 1, 0.8))
    half, wide = roof.frame.length / 2, roof.frame.width / 2
    roof.crease((-half, -wide * 0.94, half, -wide * 0.94), 1.35)


def _strips(roof: Roof, slopes: tuple[float, ...]) -> None:
    """Draw strips along the ridge from one eave to the other, by slope."""
    wide = roof.frame.width
    for index, slope in enumerate(slopes):
        low = (index / len(slopes) - 0.5) * wide
        roof.plane(((0, 1, low),), roof.lit(0, math.copysign(1, slope), abs(slope)))


def _round(roof: Roof) -> None:
    _strips(roof, (-1.5, -1.0, -0.6, -0.2, 0.2, 0.6, 1.0, 1.5))


def _gambrel(roof: Roof) -> None:
    _strips(roof, (-1.6, -0.6, 0.6, 1.6))
    roof.crease((-roof.frame.length / 2, 0, roof.frame.length / 2, 0))


def _saltbox(roof: Roof) -> None:
    _strips(roof, (-1.2, -1.2, 0.6, 0.6, 0.6, 0.6))


def _butterfly(roof: Roof) -> None:
    _strips(roof, (0.9, -0.9))
    roof.crease((-roof.frame.length / 2, 0, roof.frame.length / 2, 0), 0.6)


def _sawtooth(roof: Roof) -> None:
    """Draw sheds one behind the other, glass on their steep sides."""
    count = max(2, min(14, round(roof.frame.length / roof.canvas.metre / 7)))
    length = roof.frame.length
    glass: Paint = (120, 146, 168, roof.base[3])
    for index in range(count):
        low = (index / count - 0.5) * length
        roof.plane(((1, 0, low),), roof.lit(1, 0, 0.5))
        roof.plane(((1, 0, low), (-1, 0, -(low + 0.28 * length / count))), glass)


def _dome(roof: Roof) -> None:
    roof.plane((), (*brighter(roof.base[:3], 0.8), roof.base[3]))
    dx, dy = roof.canvas.light.away
    radius = min(roof.frame.width, roof.frame.length) / 2
    for step in range(7):
        share = step / 7
        place = (roof.frame.x - dx * radius * 0.5 * share, roof.frame.y - dy * radius * 0.5 * share)
        tint = (*brighter(roof.base[:3], 0.72 + 0.72 * share), roof.base[3])
        roof.canvas.disc(place, radius * (1 - share) / roof.canvas.metre, tint)


def _cone(roof: Roof) -> None:
    """Draw planes all around from the middle."""
    for turn in np.linspace(0, 2 * math.pi, 16, endpoint=False):
        u, v = math.cos(turn), math.sin(turn)
        wedge = math.tan(math.pi / 16) * 1.05
        roof.plane(
            ((u * wedge - v, v * wedge + u, 0), (u * wedge + v, v * wedge - u, 0)),
            roof.lit(u, v, 1.2),
        )


def _onion(roof: Roof) -> None:
    _dome(roof)
    roof.canvas.disc((roof.frame.x, roof.frame.y), 0.5, (250, 236, 160, 0))


def _mansard(roof: Roof) -> None:
    _pyramidal(roof)
    roof.shrunk(0.66, (*brighter(roof.base[:3], 1.12), roof.base[3]))


def _hipped_and_gabled(roof: Roof) -> None:
    _hipped(roof, 0.5)


def _cross(roof: Roof) -> None:
    """Draw a gable across the middle of another."""
    _gabled(roof)
    third = roof.frame.length / 6
    for side in (-1, 1):
        roof.plane(((side, 0, 0), (-side, 0, -third)), roof.lit(side, 0))
    roof.crease((0, -roof.frame.width / 2, 0, roof.frame.width / 2))


def _flat(roof: Roof) -> None:
    """Draw the parapet: lit on two sides, in the shade on the others."""
    for ring in roof.parts:
        roof.canvas.ring(ring, 0.7, (*brighter(roof.base[:3], 1.22), roof.base[3]))


_SHAPES: dict[str, Callable[[Roof], None]] = {
    "flat": _flat,
    "gabled": _gabled,
    "hipped": _hipped,
    "half-hipped": _half_hipped,
    "pyramidal": _pyramidal,
    "skillion": _skillion,
    "lean_to": _skillion,
    "round": _round,
    "barrel": _round,
    "gambrel": _gambrel,
    "saltbox": _saltbox,
    "quadruple_saltbox": _mansard,
    "double_saltbox": _gambrel,
    "butterfly": _butterfly,
    "sawtooth": _sawtooth,
    "dome": _dome,
    "onion": _onion,
    "cone": _cone,
    "conical": _cone,
    "mansard": _mansard,
    "side_hipped": _hipped_and_gabled,
    "hipped-and-gabled": _hipped_and_gabled,
    "cross_gabled": _cross,
    "cross_pitched": _cross,
    "crosspitched": _cross,
    "many": _cross,
}
SHAPES = frozenset(_SHAPES)
"""The values of ``roof:shape`` that look like themselves."""


def draw_roof(canvas: Canvas, feature: Feature, base: Paint, shape: str) -> None:
    """Draw a building's roof."""
    canvas.fill(feature.parts, base)
    frame = feature.frame
    if frame.width < _SMALLEST:
        return
    planes = len(feature.parts) == 1 or shape == "flat"
    if planes:
        _SHAPES.get(shape, _flat)(Roof(canvas, feature, base))
        return
    for ring in feature.parts:  # a roof around a yard: lit by its edges alone
        canvas.ring(ring, 1.2, (*brighter(base[:3], 0.8), base[3]))
