"""Marks: small drawings in metres, such as the lines of a court; the table marks.csv.

A drawing is strokes, apart by semicolons; a colour before a stroke counts until the next. From the
middle of the place, along and across its long side:

- ``line x y x y ...``, ``rect x y x y``, ``arc x y radius from to`` (degrees): lines, as wide as
  the last ``pen`` said;
- ``box x y length width``, ``disc x y radius``, ``poly x y x y ...``: filled;
- ``along offset width [dash]``: a stroke along a line, offset in metres or, as ``40%``, in shares
  of its width; ``ties length width every``: bars across a line.

``*`` before a stroke repeats it mirrored through the middle.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np

from skyscript.backends.simulated.features import Points
from skyscript.backends.simulated.tables import Tint, each_row, tint

_LINE = 0.16
_NUMBERS = {"rect": 4, "arc": 5, "box": 4, "disc": 3, "ties": 3, "pen": 1}


class Stroke(NamedTuple):
    """A line of a width in metres, or a filled ring (width 0)."""

    points: Points
    width: float
    tint: Tint


class Along(NamedTuple):
    """A stroke along a line, or bars at regular distances; lengths in metres."""

    tint: Tint
    width: float
    offset: float = 0.0
    share: float = 0.0
    """The offset's second part, in shares of the line's width."""
    length: float = 0.0
    """Of a bar along the line; 0 is a whole line."""
    every: float = 0.0


class Mark(NamedTuple):
    """A drawing."""

    length: float
    """Metres that it needs; 0: it is never scaled."""
    width: float
    strokes: list[Stroke]
    along: list[Along]


@cache
def marks() -> dict[str, Mark]:
    """Give all marks by name."""
    return read_marks()


def read_marks(lines: Iterable[str] | None = None) -> dict[str, Mark]:
    """Read a table of marks, by default marks.csv; raises `InputError` naming the line."""
    result: dict[str, Mark] = {}

    def take(row: dict[str, str]) -> None:
        mark = Mark(float(row["length"] or 0), float(row["width"] or 0), [], [])
        result[row["mark"]] = mark
        colour, pen = tint("#f0f0ec"), _LINE
        for statement in row["drawing"].split(";"):
            words = statement.split()
            if words and words[0][0] in "#x":
                colour, words = tint(words[0]), words[1:]
            if not words:
                raise ValueError("a stroke is missing")
            if words[0] == "pen":
                (pen,) = _numbers(words)
            else:
                _add(mark, words, colour, pen)

    each_row("marks.csv", ("mark", "length", "width", "drawing"), take, lines)
    return result


def _numbers(words: list[str]) -> list[float]:
    """Give the numbers of a stroke; those with a ``%`` are shares."""
    values = [float(word.rstrip("%")) / (100 if "%" in word else 1) for word in words[1:]]
    if len(values) != _NUMBERS.get(words[0].lstrip("*"), len(values)) or not values:
        raise ValueError(f"{' '.join(words)!r} has the wrong count of numbers")
    return values


def _add(mark: Mark, words: list[str], colour: Tint, pen: float) -> None:
    """Add a stroke to a mark."""
    kind, values = words[0].lstrip("*"), _numbers(words)
    if kind == "along":
        offset, width, *dash = values
        share = offset if "%" in words[1] else 0.0
        sizes = (dash[0], 2 * dash[0]) if dash else ()
        mark.along.append(Along(colour, width, 0.0 if share else offset, share, *sizes))
    elif kind == "ties":
        length, width, every = values
        mark.along.append(Along(colour, width, length=length, every=every))
    else:
        width = 0.0 if kind in ("box", "disc", "poly") else pen
        for sign in (1, -1) if words[0].startswith("*") else (1,):
            mark.strokes.append(Stroke(_points(kind, values) * sign, width, colour))


def _points(kind: str, values: list[float]) -> Points:
    if kind in ("line", "poly"):
        return np.array(values).reshape(-1, 2)
    if kind in ("rect", "box"):
        x0, y0, x1, y1 = values
        if kind == "box":
            x0, y0, x1, y1 = x0 - x1 / 2, y0 - y1 / 2, x0 + x1 / 2, y0 + y1 / 2
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
    if kind not in ("disc", "arc"):
        raise ValueError(f"there is no stroke {kind!r}")
    x, y, radius, start, end = (*values, 0.0, 360.0)[:5]
    turn = np.radians(np.linspace(start, end, 33))
    return np.stack((x + radius * np.cos(turn), y + radius * np.sin(turn)), axis=1)
