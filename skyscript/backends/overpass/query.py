"""Queries in Overpass QL, and what a public instance may be asked for.

The guideline of the public instances: about 10,000 requests and 1 GB a day, no parallel requests,
and no scraping of the world box by box (dev.overpass-api.de/overpass-doc, "Commons").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipeline.errors import InputError
from skyscript.geo.tile import Box

SECONDS = 180
"""The service gives up a query after this time: its own default."""
_MEMORY = 512 * 1024**2
"""Bytes of memory for a query: the service's own default."""
MOST_KM2 = 2_500
"""The largest area of which all objects are asked for: a large city."""
MOST_BYTES = 100_000_000
"""The largest answer: a tenth of what one user may fetch in a day."""
_BYTES = {"nodes": 250, "ways": 1_500, "relations": 20_000}
"""Bytes of an object in an answer, about, with its tags and places."""
_KM_PER_DEGREE = 111.2
PBF_ROUTE = (
    "take an extract instead (.osm.pbf from download.geofabrik.de or planet.openstreetmap.org), "
    "and name it in `extract.path`"
)


class Tag(NamedTuple):
    """A key, with one value or with any."""

    key: str
    value: str | None

    @classmethod
    def parse(cls, text: str) -> Tag:
        """Read ``key=value``, ``key=*`` or ``key``."""
        key, _, value = text.partition("=")
        if not key:
            raise ValueError(f"{text!r} names no key: write key=value, or key for any value")
        return cls(key, None if value in ("", "*") else value)

    def filter(self) -> str:
        """Give the tag as a filter of Overpass QL."""
        return f"[{_quoted(self.key)}{'' if self.value is None else f'={_quoted(self.value)}'}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def query(tags: Iterable[Tag], box: Box | None, out: str) -> str:
    """Write the query for all objects with any of the tags, in a box or in the whole world."""
    bounds = ""
    if box is not None:
        bounds = f"[bbox:{box.south!r},{box.west!r},{box.north!r},{box.east!r}]"
    lines = "".join(f"nwr{tag.filter()};" for tag in sorted(tags, key=str))
    return f"[out:json][timeout:{SECONDS}][maxsize:{_MEMORY}]{bounds};({lines});out {out};"


def area_km2(box: Box) -> float:
    """Give the area of a box on the ground."""
    width = (box.east - box.west) * math.cos(math.radians((box.south + box.north) / 2))
    return width * (box.north - box.south) * _KM_PER_DEGREE**2


def check_area(box: Box) -> None:
    """Raise `InputError` if all objects of a box are more than a public instance should give."""
    if (area := area_km2(box)) > MOST_KM2:
        raise InputError(
            f"the box has {area:,.0f} km², and Overpass is for at most {MOST_KM2:,} km² of all "
            f"objects: {PBF_ROUTE}; or ask for single rare tags"
        )


def check_counts(counts: Mapping[str, str]) -> int:
    """Give the number of objects; raise `InputError` if they are too many for a public instance."""
    numbers = {kind: int(counts[kind]) for kind in _BYTES}
    total, size = sum(numbers.values()), sum(_BYTES[kind] * n for kind, n in numbers.items())
    if size > MOST_BYTES:
        raise InputError(
            f"Overpass has {total:,} such objects, about {size / 1e6:,.0f} MB, and is for at most "
            f"{MOST_BYTES / 1e6:,.0f} MB: {PBF_ROUTE}"
        )
    return total
