"""Where things lie: the island's plan, in metres around the town's middle.

All that is placed by hand is in ``island.yaml``, which this module reads; what repeats (houses,
fields, trees) is drawn by seeded rules.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from data.toy.shapes import Frame, Line, Point, smooth

ISLAND: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("island.yaml").read_text())


@dataclass(frozen=True)
class Grid:
    """Streets in columns ``u`` and rows ``v``, turned and slightly bent, as towns grow."""

    x: float
    y: float
    angle: float
    column: float
    row: float
    bend: float

    def at(self, u: float, v: float) -> Point:
        """Give the position of column ``u``, row ``v``."""
        x = self.column * u + self.bend * math.sin(0.35 * v) + 0.4 * self.bend * math.sin(0.6 * u)
        y = self.row * v + 0.8 * self.bend * math.sin(0.3 * u + 1)
        return Frame(self.x, self.y, self.angle).at(x, y)

    def outline(self, u: float, v: float, columns: float, rows: float) -> Line:
        """Give the outline of a rectangle of cells; it follows the bent streets."""
        steps = 2 * max(1, round(columns)), 2 * max(1, round(rows))
        bottom = [self.at(u + columns * i / steps[0], v) for i in range(steps[0])]
        right = [self.at(u + columns, v + rows * i / steps[1]) for i in range(steps[1])]
        top = [self.at(u + columns - columns * i / steps[0], v + rows) for i in range(steps[0])]
        left = [self.at(u, v + rows - rows * i / steps[1]) for i in range(steps[1])]
        return [*bottom, *right, *top, *left]


TOWN = Grid(0, 0, 0, 130, 100, 30)
COLUMNS, ROWS = range(-9, 10), range(-11, 11)
RIVER_CELL, RAIL_CELL = -6, 8
"""The river runs between columns -6 and -5, the railway between rows 8 and 9."""
AVENUE, MAIN_STREET = 2, 0
"""The primary road is column 2; the secondary road is row 0."""


def is_built(u: int, v: int) -> bool:
    """Say whether a block of the town is built up: an oval around the market, and the works."""
    works = 5 <= u <= 7 and -9 <= v <= -4
    return works or ((u + 0.5) / 7.7) ** 2 + ((v + 1.2) / 10.4) ** 2 < 1


BRIDGES = (-8, -4, 0, 4, 7)
"""Rows that pass the river."""
LEVEL_COLUMNS = (-8, -2, 2, 6)
"""Columns that pass the railway; column 2 by a bridge."""


@dataclass(frozen=True)
class Village:
    """A village: a small grid of streets."""

    name: str
    grid: Grid
    columns: int
    rows: int
    crop: str
    """What most fields around it bear."""


VILLAGES = tuple(
    Village(name, **{**entry, "grid": Grid(*entry["grid"])})
    for name, entry in ISLAND["villages"].items()
)
_GRIDS = {"Tagtown": TOWN} | {village.name: village.grid for village in VILLAGES}


def number(text: str) -> float:
    """Read a number of a table; without a point it is an int."""
    return float(text) if "." in text else int(text)


def points(text: str) -> Line:
    """Read points: ``300 1500`` in metres, or ``Nordby 2 0``, a column and row of a place."""
    line = []
    for point in text.split(";"):
        *place, a, b = point.split()
        pair = number(a), number(b)
        line.append(_GRIDS[place[0]].at(*pair) if place else pair)
    return line


_COURSES = {name: points(text) for name, text in ISLAND["courses"].items()}
COAST = _COURSES["coast"]
LAKE: Point = (-3000, 3900)
RESERVOIR: Point = (-4300, 5900)
RIVER: Line = [
    *smooth(_COURSES["river above the town"], 60),
    *[TOWN.at(-5.5 + 0.08 * math.sin(v), v) for v in (x / 2 for x in range(20, -23, -1))],
    *smooth(_COURSES["river mouth"], 60),
]
STREAM = smooth(_COURSES["stream"], 50)
RAILWAY: Line = [
    *smooth(_COURSES["railway west"], 90),
    *[TOWN.at(u, 8.5) for u in range(-9, 11)],
    *smooth(_COURSES["railway east"], 90),
]
HARBOUR_TRACK = smooth(_COURSES["harbour track"], 60)
MOTORWAY = smooth(_COURSES["motorway"], 110)
POWER_LINE = _COURSES["power line"]
CABLE_CAR = _COURSES["cable car"]
JUNCTION = ((300, 1500), (300, 2100))
"""Where the motorway's ramps meet the primary road: south and north of it."""
