"""Marks: small drawings in metres, such as the lines of a court; the table marks.csv.

A drawing is strokes, apart by semicolons; a colour before a stroke counts until the next. From the
middle of the place, along and across its long side:

- ``line x y x y ...``, ``rect x y x y``, ``circle x y radius``, ``arc x y radius from to``
  (degrees): lines, as wide as the last ``pen`` said;
- ``box x y length width``, ``disc x y radius``, ``poly x y x y ...``: filled;
- ``along offset width [dash]``: a stroke along a line, offset in metres or, as ``40%``, in shares
  of its width; ``ties length width every``: bars across a line.

``*`` before a stroke repeats it mirrored through the middle. On a line, strokes of the first two
kinds are drawn at both ends, counted inwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from skyscript.backends.simulated.features import Points
from skyscript.backends.simulated.tables import Tint, number, read_rows, tint

_LINE = 0.16
_NUMBERS = {"rect": 4, "circle": 3, "arc": 5, "box": 4, "disc": 3, "ties": 3}


class Stroke(NamedTuple):
    """A line of a width in metres, or a filled ring (width 0)."""

    points: Points
    width: float
    tint: Tint
    thin: float
    """The shorter side of a ring in metres; a ring that is too small to see is not drawn."""


class Along(NamedTuple):
    """A stroke or bars along a line."""

    tint: Tint
    offset: float
    share: bool
    """Whether the offset is a share of the line's width."""
    width: float
    dash: float
    """Metres of a dash and of a gap; 0 is a whole line."""
    tie: float
    """Metres along of a bar across the line; 0 is no bar."""


class Mark(NamedTuple):
    """A drawing."""

    length: float
    """Metres that it needs; 0: it is never scaled."""
    width: float
    strokes: tuple[Stroke, ...]
    along: tuple[Along, ...]


@cache
def marks() -> dict[str, Mark]:
    """Give all marks by name."""
    return read_marks()


def read_marks(lines: Iterable[str] | None = None) -> dict[str, Mark]:
    """Read a table of marks, by default marks.csv; raises `InputError` naming the line."""
    result = {}
    for where, row in read_rows("marks.csv", ("mark", "length", "width", "drawing"), lines):
        strokes, along = _drawing(where, row["drawing"])
        sides = number(where, row["length"] or "0"), number(where, row["width"] or "0")
        result[row["mark"]] = Mark(*sides, tuple(strokes), tuple(along))
    return result


def _drawing(where: str, text: str) -> tuple[list[Stroke], list[Along]]:
    strokes: list[Stroke] = []
    along: list[Along] = []
    colour, pen = tint(where, "#f0f0ec"), _LINE
    for statement in text.split(";"):
        words = statement.split()
        if words and words[0][0] in "#x":
            colour, words = tint(where, words[0]), words[1:]
        if not words:
            raise InputError(f"{where}: a stroke is missing")
        kind, share = words[0].lstrip("*"), "%" in statement
        values = [number(where, word.rstrip("%")) for word in words[1:]]
        if len(values) < 2 - (kind == "pen") or len(values) != _NUMBERS.get(kind, len(values)):
            raise InputError(f"{where}: {statement.strip()!r} has the wrong count of numbers")
        if kind == "pen":
            pen = values[0]
        elif kind == "along":
            offset = values[0] / 100 if share else values[0]
            along.append(Along(colour, offset, share, values[1], sum(values[2:]), 0))
        elif kind == "ties":
            along.append(Along(colour, 0, False, values[1], values[2], values[0]))
        else:
            points = _points(where, kind, values)
            width = 0.0 if kind in ("box", "disc", "poly") else pen
            thin = min(values[2:]) if kind in ("box", "disc") else float(np.ptp(points, 0).min())
            signs = (1, -1) if words[0].startswith("*") else (1,)
            strokes += [Stroke(points * sign, width, colour, thin) for sign in signs]
    return strokes, along


def _points(where: str, kind: str, values: list[float]) -> Points:
    if kind in ("line", "poly"):
        return np.array(values).reshape(-1, 2)
    if kind in ("rect", "box"):
        x0, y0, x1, y1 = values
        if kind == "box":
            x0, y0, x1, y1 = x0 - x1 / 2, y0 - y1 / 2, x0 + x1 / 2, y0 + y1 / 2
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
    if kind not in ("circle", "disc", "arc"):
        raise InputError(f"{where}: there is no stroke {kind!r}")
    x, y, radius = values[:3]
    start, end = values[3:] if kind == "arc" else (0.0, 360.0)
    turn = np.radians(np.linspace(start, end, 33))
    return np.stack((x + radius * np.cos(turn), y + radius * np.sin(turn)), axis=1)
