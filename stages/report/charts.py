"""Inline SVG: bars and the map. Colours come from the page's style sheet, by class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from stages.report.figures import Cover

_BAR, _GAP, _LABEL, _ROOM = 18, 6, 104, 310
_CELL = 7.0
"""Pixels of a cell of the map."""
_LEAST = 3.0
"""Pixels that a tile has at least on the map: smaller ones would not be seen."""
SERIES = 8
"""Sources that the style sheet has colours for."""


def bars(rows: Sequence[tuple[str, int]], label: str) -> str:
    """Give horizontal bars: a label, a bar, a number each."""
    most = max((number for _, number in rows), default=1)
    height = len(rows) * (_BAR + _GAP)
    width = _LABEL + _ROOM + 60
    parts = [
        f'<svg class="bars" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
    ]
    for i, (name, number) in enumerate(rows):
        y = i * (_BAR + _GAP)
        long = max(1.0, _ROOM * number / most)
        parts.append(
            f'<text class="name" x="{_LABEL - 8}" y="{y + 13}">{escape(name)}</text>'
            f'<rect x="{_LABEL}" y="{y}" width="{long:.1f}" height="{_BAR}" rx="2"/>'
            f'<text class="number" x="{_LABEL + long + 6:.1f}" y="{y + 13}">{number:,}</text>'
        )
    return "".join(parts) + "</svg>"


def cover_map(cover: Cover, series: dict[str, int]) -> str:
    """Give the map: objects as shaded cells, tiles as boxes (or shaded cells), a graticule.

    ``series`` gives each source the number of its colour.
    """
    width, height = cover.columns * _CELL, cover.rows * _CELL
    parts = [
        f'<svg class="map" viewBox="-2 -2 {width + 4:.0f} {height + 22:.0f}" role="img" '
        'aria-label="Map of the objects and the tiles">',
        f'<rect class="sheet" width="{width:.0f}" height="{height:.0f}"/>',
        _cells(cover, cover.objects, "objects"),
        _cells(cover, cover.tiles, "tiles"),
        *(_box(cover, box, series) for box in cover.boxes),
        _graticule(cover, width, height),
    ]
    return "".join(parts) + "</svg>"


def _cells(cover: Cover, cells: Sequence[tuple[int, int, int]], kind: str) -> str:
    """Shade cells in five steps, by the logarithm of what they hold; one path a step."""
    most = math.log1p(max((number for *_, number in cells), default=1))
    paths: dict[int, list[str]] = {}
    for x, y, number in cells:
        shade = min(5, 1 + int(5 * math.log1p(number) / most))
        top = (cover.rows - 1 - y) * _CELL
        paths.setdefault(shade, []).append(f"M{x * _CELL:.0f} {top:.0f}h{_CELL:.0f}")
    return "".join(
        f'<path class="{kind} shade{shade}" transform="translate(0 {_CELL / 2})" '
        f'stroke-width="{_CELL:.0f}" d="{"".join(lines)}"/>'
        for shade, lines in sorted(paths.items())
    )


def _box(cover: Cover, box: tuple[str, float, float, float, float], series: dict[str, int]) -> str:
    source, west, south, east, north = box
    left, right = ((x - cover.west) / cover.side * _CELL for x in (west, east))
    bottom, top = ((cover.rows - (y - cover.south) / cover.rise) * _CELL for y in (south, north))
    wide, tall = max(right - left, _LEAST), max(bottom - top, _LEAST)
    x, y = (left + right - wide) / 2, (top + bottom - tall) / 2
    return (
        f'<rect class="tile s{series[source]}" x="{x:.1f}" y="{y:.1f}" '
        f'width="{wide:.1f}" height="{tall:.1f}"/>'
    )


def _graticule(cover: Cover, width: float, height: float) -> str:
    """Draw meridians and parallels at a round step, about six across, with their degrees."""
    span = cover.columns * cover.side
    rough = span / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
    digits = max(0, -math.floor(math.log10(step)))
    parts = []
    for i in range(math.ceil(cover.west / step), math.floor((cover.west + span) / step) + 1):
        x = (i * step - cover.west) / cover.side * _CELL
        parts.append(
            f'<line x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height:.0f}"/>'
            f'<text x="{x:.1f}" y="{height + 15:.0f}" text-anchor="middle">'
            f"{_degrees(i * step, digits, 'EW')}</text>"
        )
    top = cover.south + cover.rows * cover.rise
    for i in range(math.ceil(cover.south / step), math.floor(top / step) + 1):
        y = (cover.rows - (i * step - cover.south) / cover.rise) * _CELL
        parts.append(
            f'<line x1="0" y1="{y:.1f}" x2="{width:.0f}" y2="{y:.1f}"/>'
            f'<text x="5" y="{y - 4:.1f}">{_degrees(i * step, digits, "NS")}</text>'
        )
    return f'<g class="graticule">{"".join(parts)}</g>'


def _degrees(value: float, digits: int, sides: str) -> str:
    side = "" if abs(value) < 10**-9 else sides[0] if value > 0 else sides[1]
    return f"{abs(value):.{digits}f}° {side}".rstrip()
