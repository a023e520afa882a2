"""Which blocks of the town each facility takes: (column, row, columns, rows)."""

from __future__ import annotations

from data.toy.civic_facilities import (
    BALLPARK,
    CATHEDRAL,
    CEMETERY,
    CIVIC,
    HOSPITAL,
    KINDERGARTEN,
    LIDO,
    MARKET,
    PARK,
    POCKET_PARK,
    SCHOOL,
    SPORTS,
    STADIUM,
    UNIVERSITY,
)
from data.toy.facilities import Facility
from data.toy.works_facilities import (
    ALLOTMENTS,
    BROWNFIELD,
    BUS_STATION,
    CONSTRUCTION,
    DEPOT,
    FIRE,
    FUEL,
    GARDEN_CENTRE,
    MALL,
    PRISON,
    SUPERMARKET,
    UTILITY,
    WASTEWATER,
    ZOO,
)

TOWN_FACILITIES: tuple[tuple[tuple[int, int, int, int], Facility], ...] = (
    ((0, -1, 1, 1), MARKET), ((-1, -1, 1, 1), CATHEDRAL), ((1, -1, 1, 1), CIVIC),
    ((-5, 0, 2, 2), PARK), ((4, 4, 2, 2), STADIUM), ((4, 1, 2, 2), SPORTS),
    ((-3, 4, 2, 1), SCHOOL), ((0, 3, 1, 1), KINDERGARTEN), ((-9, 1, 3, 2), UNIVERSITY),
    ((-9, 4, 2, 2), HOSPITAL), ((4, 6, 1, 2), CEMETERY), ((7, 4, 1, 2), LIDO),
    ((3, 0, 2, 1), SUPERMARKET), ((3, -3, 2, 2), MALL), ((2, 1, 1, 1), FUEL), ((2, 2, 1, 1), FIRE),
    ((1, 7, 1, 1), BUS_STATION), ((-9, 6, 3, 2), ALLOTMENTS), ((7, 6, 1, 2), BALLPARK),
    ((7, 1, 1, 1), PRISON), ((6, -3, 2, 1), UTILITY), ((4, -4, 1, 1), CONSTRUCTION),
    ((4, -5, 1, 1), BROWNFIELD), ((-2, 5, 1, 1), POCKET_PARK), ((6, -11, 2, 2), WASTEWATER),
    ((6, -8, 2, 2), DEPOT), ((-9, -4, 2, 2), GARDEN_CENTRE), ((-9, -8, 3, 3), ZOO),
)  # fmt: skip
