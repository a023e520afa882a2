"""The country and the part of the world that a place lies in, without a network.

The time zones of IANA follow the borders of countries. `tzfpy` finds the zone of a place by the
boundaries that OpenStreetMap maps (© OpenStreetMap contributors, ODbL), simplified; the table
zone.tab of IANA's database names the country of each zone. A zone's own name begins with its part
of the world, so Honolulu lies in the Pacific and all of Turkey in Europe.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

SEA = "at sea"
"""The place lies in no country."""
_UNKNOWN = "not known"


class Region(NamedTuple):
    """Where on the Earth a place lies."""

    country: str
    """Its name in ISO 3166, as IANA writes it; `SEA` if there is none."""
    part: str
    """A continent or an ocean; `SEA` away from all countries."""


@functools.lru_cache(maxsize=1 << 16)
def region_of(lon: float, lat: float) -> Region:
    """Give the country and the part of the world of a place in degrees."""
    from tzfpy import get_tz

    zone = get_tz(lon, lat)
    part, _, rest = zone.partition("/")
    if not rest or part == "Etc":
        return Region(SEA, SEA)
    return Region(_countries().get(zone, _UNKNOWN), part)


@functools.cache
def _countries() -> Mapping[str, str]:
    """Give the name of the country of each time zone."""
    names = dict(line[:2] for line in _lines("iso3166.tab"))
    return {line[2]: names[line[0]] for line in _lines("zone.tab")}


def _lines(table: str) -> list[list[str]]:
    text = files("tzdata").joinpath("zoneinfo", table).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
