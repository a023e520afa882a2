"""The geometry of the charts: bars and the map. The page's template draws it as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from stages.report.figures import Cover

_BAR, _GAP, _LABEL, _ROOM = 18, 6, 104, 310
_CELL = 7.0
"""Pixels of a cell of the map."""
_LEAST = 3.0
"""Smallest width and height of a tile on the map, in pixels, so that it stays visible."""
SERIES = 8
"""Sources that the style sheet has colours for."""


class Bar(NamedTuple):
    """A bar with its label and number."""

    name: str
    number: int
    y: int
    length: float


class Bars(NamedTuple):
    """A chart of horizontal bars."""

    label: str
    bars: list[Bar]
    height: int
    left: int = _LABEL
    width: int = _LABEL + _ROOM + 60
    thickness: int = _BAR


class Shade(NamedTuple):
    """All cells of the map with one shade: one path, stroked as wide as a cell."""

    kind: str
    shade: int
    path: str


class Box(NamedTuple):
    """A tile on the map."""

    series: int
    x: float
    y: float
    width: float
    height: float


class Map(NamedTuple):
    """The map of objects and tiles."""

    width: float
    height: float
    cell: float
    shades: list[Shade]
    boxes: list[Box]
    meridians: list[tuple[float, str]]
    """Position and degrees of each line, as in ``parallels``."""
    parallels: list[tuple[float, str]]


def lay_out_bars(rows: Sequence[tuple[str, int]], label: str) -> Bars:
    """Lay out a chart in which each row has a label, a horizontal bar and a number."""
    most = max((number for _, number in rows), default=1)
    step = _BAR + _GAP
    laid_out = [
        Bar(name, number, index * step, max(1.0, _ROOM * number / most))
        for index, (name, number) in enumerate(rows)
    ]
    return Bars(label, laid_out, len(rows) * step)


def lay_out_map(cover: Cover, series: dict[str, int]) -> Map:
    """Lay out the map: objects as shaded cells, tiles as boxes or shaded cells, a graticule.

    ``series`` gives each source the number of its colour.
    """
    return Map(
        cover.columns * _CELL,
        cover.rows * _CELL,
        _CELL,
        [*_shades(cover, cover.objects, "objects"), *_shades(cover, cover.tiles, "tiles")],
        [_box(cover, box, series) for box in cover.boxes],
        *_graticule(cover),
    )


def _shades(cover: Cover, cells: Sequence[tuple[int, int, int]], kind: str) -> list[Shade]:
    """Shade cells in five steps, by the logarithm of their counts."""
    most = math.log1p(max((number for *_, number in cells), default=1))
    paths: dict[int, list[str]] = {}
    for x, y, number in cells:
        shade = min(5, 1 + int(5 * math.log1p(number) / most))
        top = (cover.rows - 1 - y) * _CELL
        paths.setdefault(shade, []).append(f"M{x * _CELL:.0f} {top:.0f}h{_CELL:.0f}")
    return [Shade(kind, shade, "".join(lines)) for shade, lines in sorted(paths.items())]


def _box(cover: Cover, box: tuple[str, float, float, float, float], series: dict[str, int]) -> Box:
    source, west, south, east, north = box
    left, right = ((x - cover.west) / cover.side * _CELL for x in (west, east))
    bottom, top = ((cover.rows - (y - cover.south) / cover.rise) * _CELL for y in (south, north))
    wide, tall = max(right - left, _LEAST), max(bottom - top, _LEAST)
    return Box(series[source], (left + right - wide) / 2, (top + bottom - tall) / 2, wide, tall)


def _graticule(cover: Cover) -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
    """Place meridians and parallels at a round step, about six across, with their degrees."""
    span = cover.columns * cover.side
    rough = span / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
    digits = max(0, -math.floor(math.log10(step)))
    meridians = [
        ((i * step - cover.west) / cover.side * _CELL, _degrees(i * step, digits, "EW"))
        for i in range(math.ceil(cover.west / step), math.floor((cover.west + span) / step) + 1)
    ]
    top = cover.south + cover.rows * cover.rise
    parallels = [
        (
            (cover.rows - (i * step - cover.south) / cover.rise) * _CELL,
            _degrees(i * step, digits, "NS"),
        )
        for i in range(math.ceil(cover.south / step), math.floor(top / step) + 1)
    ]
    return meridians, parallels


def _degrees(value: float, digits: int, sides: str) -> str:
    side = "" if abs(value) < 10**-9 else sides[0] if value > 0 else sides[1]
    return f"{abs(value):.{digits}f}° {side}".rstrip()
