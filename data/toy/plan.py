"""Where things lie: the island's plan, in metres around the town's middle.

All that is placed by hand is here; what repeats (houses, fields, trees) is drawn by seeded rules.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from data.toy.shapes import Line, Point, smooth

SEED = 7

COAST: Line = [
    (-9300, 1200), (-8700, -900), (-7600, -2300), (-6700, -3100), (-5900, -3250), (-5000, -3350),
    (-4300, -3900), (-3400, -3700), (-2600, -2700), (-1900, -1750), (-1200, -1420), (-560, -1400),
    (0, -1390), (700, -1400), (1500, -1480), (2400, -1900), (3300, -2350), (4600, -2900),
    (6200, -3500), (7800, -3650), (9200, -3100), (10300, -1900), (11000, -300), (11300, 1500),
    (10900, 3500), (10100, 5200), (9300, 6600), (7800, 7500), (6000, 8200), (4100, 8500),
    (2200, 8900), (200, 8700), (-1600, 8900), (-3600, 8300), (-5700, 7800), (-7400, 6700),
    (-8800, 5100), (-9700, 3200),
]  # fmt: skip
"""Control points of the shore, anticlockwise."""


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
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        return self.x + x * cos - y * sin, self.y + x * sin + y * cos

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


WESTERLO = Village("Westerlo", Grid(-5400, 300, 12, 115, 105, 12), 5, 5, "rapeseed")
OSTHAGEN = Village("Osthagen", Grid(5600, -100, -8, 115, 100, 14), 5, 5, "wheat")
NORDBY = Village("Nordby", Grid(300, 5900, 4, 120, 105, 10), 5, 4, "barley")
FISKEVIK = Village("Fiskevik", Grid(-6000, -2900, 5, 110, 95, 8), 5, 4, "potatoes")
SANDA = Village("Sanda", Grid(7300, -2900, 6, 115, 95, 10), 5, 4, "sugar_beet")
HOYMARK = Village("Hoymark", Grid(7500, 4800, -14, 115, 105, 12), 5, 4, "maize")
VILLAGES = (WESTERLO, OSTHAGEN, NORDBY, FISKEVIK, SANDA, HOYMARK)

LAKE: Point = (-3000, 3900)
RESERVOIR: Point = (-4300, 5900)
RIVER: Line = [
    *smooth(
        [
            (-2780, 3600),
            (-2450, 3100),
            (-2000, 2600),
            (-1500, 2150),
            (-1100, 1500),
            TOWN.at(-5.5, 10.6),
        ],
        60,
    ),
    *[TOWN.at(-5.5 + 0.08 * math.sin(v), v) for v in (x / 2 for x in range(20, -23, -1))],
    *smooth([TOWN.at(-5.5, -12), (-760, -1330), (-780, -1460)], 60),
]
STREAM: Line = smooth(
    [(-4150, 5570), (-3700, 5100), (-3600, 4800), (-3350, 4500), (-3200, 4260)], 50
)
RAILWAY: Line = [
    *smooth([(-5500, 1250), (-4300, 1330), (-2900, 1180), (-1900, 900), TOWN.at(-10, 8.5)], 90),
    *[TOWN.at(u, 8.5) for u in range(-9, 11)],
    *smooth([TOWN.at(11, 8.5), (2300, 830), (3600, 1000), (5000, 880), (6900, 750)], 90),
]
HARBOUR_TRACK: Line = smooth(
    [TOWN.at(10, 8.5), (1800, 700), (2050, 300), (1900, -500), (1650, -1050), (1250, -1340)], 60
)
MOTORWAY: Line = smooth(
    [(-4700, 1900), (-3000, 2020), (-1000, 1850), (260, 1800), (2000, 1850), (4300, 1700)], 110
)
POWER_LINE: Line = [
    (2900, 7300), (2750, 6500), (2600, 5200), (2450, 4200), (2350, 3200), (2250, 2350), (2150, 1450)
]  # fmt: skip

JUNCTION = ((300, 1500), (300, 2100))
"""Where the motorway's ramps meet the primary road: south and north of it."""
AIRPORT_ROAD: Point = (700, 3600)
_ATLAS: tuple[tuple[str, tuple[Point, ...]], ...] = (
    ("primary lanes=2 surface=asphalt ref=1",
     (TOWN.at(2, 10), (300, 1300), *JUNCTION, (280, 2500), AIRPORT_ROAD, (620, 4800),
      NORDBY.grid.at(2, 0))),
    ("secondary surface=asphalt ref=12",
     (TOWN.at(-9, 0), (-1700, 20), (-3000, 200), (-4200, 480), WESTERLO.grid.at(5, 2))),
    ("secondary surface=asphalt ref=12",
     (TOWN.at(9, 0), (2000, 30), (3400, 120), (4700, 60), OSTHAGEN.grid.at(0, 2))),
    ("trunk surface=asphalt ref=2",
     (MOTORWAY[0], (-4900, 1550), (-4990, 1250), WESTERLO.grid.at(5, 5))),
    ("trunk surface=asphalt ref=2",
     (MOTORWAY[-1], (4900, 1450), (5300, 1050), OSTHAGEN.grid.at(0, 5))),
    ("tertiary surface=asphalt",
     (WESTERLO.grid.at(2, 0), (-5300, -900), (-5600, -1900), FISKEVIK.grid.at(2, 4))),
    ("tertiary surface=asphalt",
     (OSTHAGEN.grid.at(2, 0), (6000, -900), (6800, -2000), SANDA.grid.at(2, 4))),
    ("tertiary surface=asphalt",
     (OSTHAGEN.grid.at(2, 5), (6000, 1300), (6600, 2600), (7300, 4000), HOYMARK.grid.at(2, 0))),
    ("tertiary surface=concrete",
     (NORDBY.grid.at(5, 2), (1800, 6150), (3800, 5800), (5800, 5500), HOYMARK.grid.at(0, 2))),
    ("unclassified surface=asphalt",
     (NORDBY.grid.at(0, 2), (-900, 6200), (-2200, 5600), (-3100, 5000), (-4200, 4200),
      (-5600, 3600), (-6100, 2700), (-5800, 1500), WESTERLO.grid.at(2, 5))),
    ("unclassified surface=asphalt", (AIRPORT_ROAD, (2000, 3950), (3300, 3700), (3700, 3480))),
    ("unclassified surface=chipseal", ((-3000, 200), (-2750, -400), (-2540, -980))),
    ("unclassified surface=compacted",
     (OSTHAGEN.grid.at(5, 2), (7500, 500), (8800, 1400), (9850, 2330))),
    ("unclassified surface=asphalt", (NORDBY.grid.at(0, 4), (-600, 7000), (-1400, 7480))),
    ("unclassified surface=gravel", ((-6100, 2700), (-6500, 2650), (-6930, 2640))),
    ("track tracktype=grade2 surface=gravel", ((3400, 120), (3300, -300), (3200, -750))),
    ("track tracktype=grade3 surface=unpaved",
     (WESTERLO.grid.at(0, 2), (-5900, 500), (-6630, 600))),
    ("track tracktype=grade4 surface=dirt",
     (WESTERLO.grid.at(0, 5), (-6500, 1000), (-7660, 1250))),
    ("path surface=ground", ((-5600, 3600), (-6500, 4300), (-7600, 5000), (-7700, 5900))),
    ("tertiary surface=asphalt", (TOWN.at(2, -11), (285, -1200), (285, -1330))),
    ("service surface=concrete", ((-560, -1345), (285, -1330), (1180, -1345), (1480, -1400))),
)  # fmt: skip
ROADS = tuple((text, smooth(points, 70)) for text, points in _ATLAS)
"""Roads between the places: the value of ``highway`` and further tags, and the course."""

WOODS: tuple[tuple[str, float, float, float, float, int], ...] = (
    ("landuse=forest leaf_type=needleleaved leaf_cycle=evergreen", -6500, 5100, 1250, 800, 3),
    ("natural=wood leaf_type=broadleaved leaf_cycle=deciduous", -1300, 4900, 700, 420, 1),
    ("landuse=forest leaf_type=mixed", 4600, 6800, 900, 420, 2),
    ("natural=wood leaf_type=broadleaved", 10300, 700, 380, 700, 1),
    ("natural=wood", -8100, -600, 420, 600, 0),
    ("landuse=forest leaf_type=mixed", 1700, 4800, 420, 300, 0),
    ("landuse=forest leaf_type=needleleaved", 5700, 3400, 420, 380, 1),
    ("natural=heath", -8700, 3300, 420, 700, 0), ("natural=scrub", -8500, 4600, 400, 320, 0),
    ("natural=bare_rock", -7900, 6000, 190, 140, 0), ("natural=scree", -7500, 6250, 160, 80, 0),
    ("natural=grassland", -6200, 6900, 420, 260, 0), ("natural=fell", -7000, 6450, 260, 160, 0),
    ("natural=wetland wetland=bog", -5200, 6700, 260, 180, 0),
    ("natural=wetland wetland=marsh", -3750, 3300, 170, 120, 0),
    ("natural=wetland wetland=reedbed", -2250, 4050, 110, 80, 0),
    ("natural=wetland wetland=saltmarsh", 3450, -1900, 260, 120, 0),
    ("natural=wetland wetland=swamp", -1700, 2700, 130, 90, 0),
    ("natural=sand", 9300, -1200, 120, 80, 0), ("natural=dune", 8300, -3050, 260, 60, 0),
    ("natural=moor", 200, 7900, 420, 300, 0), ("natural=shrubbery", 1100, 2500, 60, 40, 0),
    ("landuse=logging", -5200, 4500, 160, 120, 0), ("natural=mud", 4100, -2650, 120, 50, 0),
    ("leisure=nature_reserve", 10000, 3900, 330, 300, 0),
    ("landuse=brownfield", 2600, -250, 90, 60, 0), ("natural=shingle", -9050, 700, 50, 160, 0),
)  # fmt: skip
"""Land cover: tags, middle, half sizes, and how many clearings."""
