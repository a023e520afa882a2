"""Marks: small drawings in metres, such as the lines of a court; the table marks.csv.

A drawing is strokes, apart by semicolons; a colour before a stroke counts until the next. From the
middle of the place, along and across its long side:

- ``line x y x y ...``, ``arc x y radius from to`` (degrees): lines, as wide as the last
  ``pen width`` said;
- ``box x y length width``, ``disc x y radius``, ``poly x y x y ...``: filled;
- ``along offset width [dash]``: a stroke along a line, offset in metres or, as ``40%``, in shares
  of its width; ``ties length width every``: bars across a line.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np

from skyscript.backends.simulated.features import Points
from skyscript.backends.simulated.tables import Tint, each_row, tint

BOX = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)])
"""A ring with sides of 1."""
_LINE = 0.16


class Stroke(NamedTuple):
    """A line of a width in metres, or a filled ring (width 0)."""

    tint: Tint
    points: Points
    width: float = 0.0


class Along(NamedTuple):
    """A stroke along a line, or bars at regular distances; lengths in metres."""

    tint: Tint
    width: float
    offset: float = 0.0
    share: float = 0.0
    """The offset's second part, in shares of the line's width."""
    length: float = 0.0
    """The length of a bar along the line; 0 for an unbroken line."""
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
            if words[:1] == ["pen"]:
                pen = float(words[1])
            else:
                _add(mark, words, colour, pen)

    each_row("marks.csv", ("mark", "length", "width", "drawing"), take, lines)
    return result


def _add(mark: Mark, words: list[str], colour: Tint, pen: float) -> None:
    """Add a stroke to a mark."""
    share = "%" in "".join(words)
    match [*words[:1], *(float(word.rstrip("%")) for word in words[1:])]:
        case ["along", float(offset), float(width), *_]:
            offsets = (0.0, offset / 100) if share else (offset, 0.0)
            bars = [length * float(dash) for dash in words[3:4] for length in (1, 2)]
            mark.along.append(Along(colour, width, *offsets, *bars))
        case ["ties", float(length), float(width), float(every)]:
            mark.along.append(Along(colour, width, length=length, every=every))
        case ["line" | "poly" as kind, _, _, _, _, *_] if len(words) % 2:
            points = np.array(words[1:], np.float64).reshape(-1, 2)
            mark.strokes.append(Stroke(colour, points, pen if kind == "line" else 0.0))
        case ["box", float(x), float(y), float(length), float(width)]:
            mark.strokes.append(Stroke(colour, BOX * (length, width) + np.array((x, y))))
        case ["disc", float(x), float(y), float(radius)]:
            mark.strokes.append(Stroke(colour, arc(x, y, radius, 0.0, 360.0)))
        case ["arc", float(x), float(y), float(radius), float(start), float(end)]:
            mark.strokes.append(Stroke(colour, arc(x, y, radius, start, end), pen))
        case _:
            raise ValueError(f"{' '.join(words)!r} is no stroke")


def arc(x: float, y: float, radius: float, start: float, end: float) -> Points:
    """Give an arc around a point, from and to an angle in degrees."""
    turn = np.radians(np.linspace(start, end, 33))
    return np.stack((x + radius * np.cos(turn), y + radius * np.sin(turn)), axis=1)
