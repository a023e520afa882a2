"""Seasons and the sun: the effect of a date on light, shadows and leaves."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

_TROPICS = 20.0
"""Below this latitude it is always summer."""


class Season(StrEnum):
    """A season of the northern hemisphere: the name of a scene's date."""

    SPRING = "spring"
    SUMMER = "summer"
    AUTUMN = "autumn"
    WINTER = "winter"


_SUN = {
    Season.SPRING: (4, 9.0),
    Season.SUMMER: (7, 21.0),
    Season.AUTUMN: (10, -8.0),
    Season.WINTER: (1, -21.0),
}
"""The month of a season's scenes, and the sun's declination in degrees."""


def acquired(season: Season, year: int) -> datetime:
    """Give the fixed date of a season's scenes, UTC."""
    return datetime(year, _SUN[season][0], 15, 10, 30, tzinfo=UTC)


class Light(NamedTuple):
    """What a place looks like on a date."""

    season: Season
    """The season at the place: that of its hemisphere; in the tropics, always summer."""
    away: tuple[float, float]
    """Unit vector in pixels (x right, y down) in which shadows fall."""
    stretch: float
    """Metres of shadow a metre of height throws."""


def light_at(season: Season, latitude: float) -> Light:
    """Give the light of a late morning at a latitude, in degrees."""
    local = season
    if abs(latitude) < _TROPICS:
        local = Season.SUMMER
    elif latitude < 0:
        seasons = list(Season)
        local = seasons[(seasons.index(season) + 2) % 4]
    elevation = math.radians(max(24.0, 0.85 * (90 - abs(latitude - _SUN[season][1]))))
    north = 1 if latitude >= 0 else -1
    return Light(local, (-0.5, -0.866 * north), 1 / math.tan(elevation))
