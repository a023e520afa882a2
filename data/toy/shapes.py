"""Plane geometry in metres: the few shapes that the island is drawn from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from random import Random

Point = tuple[float, float]
Line = list[Point]


@dataclass(frozen=True)
class Frame:
    """A place and a direction: turns local metres into the island's metres."""

    x: float
    y: float
    angle: float = 0.0
    """Degrees, anticlockwise."""

    def at(self, x: float, y: float) -> Point:
        """Give the island's position of a local one."""
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        return self.x + x * cos - y * sin, self.y + x * sin + y * cos

    def all(self, points: Sequence[Point]) -> Line:
        """Give the island's positions of local ones."""
        return [self.at(x, y) for x, y in points]


def rectangle(x: float, y: float, width: float, height: float) -> Line:
    """Give the corners of an upright rectangle from its lower left one."""
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def ellipse(x: float, y: float, rx: float, ry: float, corners: int = 16) -> Line:
    """Give an ellipse around a centre as a polygon."""
    turn = 2 * math.pi / corners
    return [(x + rx * math.cos(i * turn), y + ry * math.sin(i * turn)) for i in range(corners)]


def blob(
    random: Random, x: float, y: float, rx: float, ry: float, rough: float = 0.18, corners: int = 28
) -> Line:
    """Give an irregular round shape: an ellipse whose radius wavers by three seeded waves."""
    waves = [(n, random.uniform(0, 6.28), random.uniform(0.4, 1) / n) for n in (2, 3, 5)]
    line = []
    for i in range(corners):
        turn = 2 * math.pi * i / corners
        radius = 1 + rough * sum(size * math.sin(n * turn + phase) for n, phase, size in waves)
        line.append((x + rx * radius * math.cos(turn), y + ry * radius * math.sin(turn)))
    return line


def smooth(points: Sequence[Point], step: float) -> Line:
    """Give a Catmull-Rom curve through the points, about one vertex every ``step`` metres."""
    padded = [points[0], *points, points[-1]]
    line: Line = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        count = max(1, round(math.dist(start, end) / step))
        for i in range(count):
            t = i / count
            weights = (
                -t + 2 * t**2 - t**3,
                2 - 5 * t**2 + 3 * t**3,
                t + 4 * t**2 - 3 * t**3,
                -(t**2) + t**3,
            )
            corners = zip(before, start, end, after, strict=True)
            x, y = (sum(map(mul, weights, along)) / 2 for along in corners)
            line.append((x, y))
    return [*line, points[-1]]


def length(line: Sequence[Point]) -> float:
    """Give a line's length."""
    return sum(math.dist(a, b) for a, b in itertools.pairwise(line))


def position(line: Sequence[Point], distance: float) -> tuple[Point, float]:
    """Give the point at a distance along a line, and the line's direction there in degrees."""
    for a, b in itertools.pairwise(line):
        step = math.dist(a, b)
        if distance <= step or b is line[-1]:
            t = distance / step if step else 0.0
            angle = math.degrees(math.atan2(b[1] - a[1], b[0] - a[0]))
            return (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])), angle
        distance -= step
    raise ValueError("a line has two points or more")


def piece(line: Sequence[Point], start: float, end: float) -> Line:
    """Give the part of a line between two distances from its beginning."""
    start, end = max(0.0, start), min(length(line), end)
    inner, walked = [], 0.0
    for a, b in itertools.pairwise(line):
        walked += math.dist(a, b)
        if start + 0.5 < walked < end - 0.5:
            inner.append(b)
    first = line[0] if start == 0 else position(line, start)[0]
    last = line[-1] if end == length(line) else position(line, end)[0]
    return [first, *inner, last]


def beside(line: Sequence[Point], offset: float) -> Line:
    """Give a line's parallel; a positive offset lies to the left."""
    moved = []
    for i, (x, y) in enumerate(line):
        a, b = line[max(0, i - 1)], line[min(len(line) - 1, i + 1)]
        span = math.dist(a, b)
        moved.append((x - offset * (b[1] - a[1]) / span, y + offset * (b[0] - a[0]) / span))
    return moved


def ribbon(line: Sequence[Point], width: float) -> Line:
    """Give the outline of a line that is ``width`` metres wide."""
    return [*beside(line, width / 2), *reversed(beside(line, -width / 2))]


def crossings(line: Sequence[Point], other: Sequence[Point]) -> list[tuple[float, Point]]:
    """Give where ``other`` crosses ``line``: the distance along ``line``, and the point."""
    found, walked = [], 0.0
    for a, b in itertools.pairwise(line):
        step = math.dist(a, b)
        for c, d in itertools.pairwise(other):
            bx, by, dx, dy = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
            cross = bx * dy - by * dx
            if not cross:
                continue
            t = ((c[0] - a[0]) * dy - (c[1] - a[1]) * dx) / cross
            s = ((c[0] - a[0]) * by - (c[1] - a[1]) * bx) / cross
            if 0 <= t < 1 and 0 <= s < 1:
                found.append((walked + t * step, (a[0] + t * bx, a[1] + t * by)))
        walked += step
    return sorted(found)
