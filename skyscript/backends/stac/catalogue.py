"""Which items a static STAC catalogue has: JSON files that link to each other, without a search.

The catalogue is read from its root down. A collection whose extent is elsewhere or of other years
is passed over with all that it holds; of the others every item is read, because nothing else says
where it lies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from typing import Any

from pipeline.errors import InputError
from skyscript.backends.stac.query import BROKEN, StacQuery
from skyscript.geo.tile import Box
from skyscript.imagery.places import places_within, search_areas

MOST_FILES = 100_000
"""JSON files; a larger catalogue needs an index (`items`) or a part of it as the root."""
MOST_LEVELS = 20
"""Catalogues below each other; links that lead deeper lead nowhere."""
_AT_ONCE = 10
"""Files that are read at the same time: as many as the client keeps connections."""
_SERVERS = ("https://", "http://")
Json = Mapping[str, Any]
Read = Callable[[str], Json]


def items_of_catalogue(wanted: StacQuery, places: Sequence[Box], read: Read) -> Iterator[Json]:
    """Give the items near some places; ``read`` gives the JSON at an address.

    Raises `InputError` if the catalogue is too large to be read, and what ``read`` raises.
    """
    areas = search_areas(places)
    root = wanted.route.address
    seen, level, count, depth = {root}, [root], 0, 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while level:
            depth = _deeper(depth, level, root)
            count = _counted(count, level, root)
            items: list[str] = []
            below: list[str] = []
            for address, node in zip(level, pool.map(read, level), strict=True):
                if not _may_hold(node, wanted, areas):
                    continue
                below += _linked(node, "child", address, seen)
                if _serves(address, wanted):
                    items += _linked(node, "item", address, seen)
            count = _counted(count, items, root)
            for address, item in zip(items, pool.map(read, items), strict=True):
                if _touches(item.get("bbox"), areas):
                    yield _with_whole_addresses(item, address)
            level = [address for address in below if _may_serve(address, wanted)]


def _deeper(depth: int, level: Sequence[str], root: str) -> int:
    if depth == MOST_LEVELS:
        raise InputError(
            f"{root}: its catalogues lie more than {MOST_LEVELS} levels deep ({level[0]}): its "
            "links lead round and round; give one of its parts as `catalogue`."
        )
    return depth + 1


def _counted(count: int, more: Sequence[str], root: str) -> int:
    if count + len(more) > MOST_FILES:
        raise InputError(
            f"{root}: holds more than {MOST_FILES:,} files that may lie near the objects, too many "
            "to read: give an index of it as `items` (a GeoParquet), or one of its parts as "
            "`catalogue`."
        )
    return count + len(more)


def _may_hold(node: Json, wanted: StacQuery, areas: Sequence[Box]) -> bool:
    """Say whether a catalogue may hold wanted items: by its extent, if it states one."""
    extent = node.get("extent")
    if not isinstance(extent, Mapping):
        return True
    try:
        boxes, times = extent["spatial"]["bbox"], extent["temporal"]["interval"]
        return any(_touches(box, areas) for box in boxes[:1]) and _is_of_years(times[0], wanted)
    except BROKEN:
        return True  # its items say it


def _is_of_years(interval: Sequence[str | None], wanted: StacQuery) -> bool:
    first, last = wanted.years
    begin, end = (None if time is None else int(time[:4]) for time in interval)
    return (begin is None or begin <= last) and (end is None or first <= end)


def _touches(box: Any, areas: Sequence[Box]) -> bool:  # noqa: ANN401 - of JSON
    """Say whether a box of two or three dimensions touches an area; one that is none may."""
    try:
        numbers = [float(number) for number in box]
        half = len(numbers) // 2
        west, south, east, north = *numbers[:2], *numbers[half : half + 2]
    except BROKEN:
        return True
    parts = [Box(west, south, east, north)]
    if west > east:  # across the antimeridian
        parts = [Box(west, south, 180, north), Box(-180, south, east, north)]
    return any(places_within(areas, part) for part in parts)


def _serves(address: str, wanted: StacQuery) -> bool:
    """Say whether a catalogue's own items serve: by the pattern of its address."""
    return wanted.route.collection is None or fnmatchcase(address, wanted.route.collection)


def _may_serve(address: str, wanted: StacQuery) -> bool:
    """Say whether a catalogue must be read; a collection only if its own items serve."""
    return not address.endswith("/collection.json") or _serves(address, wanted)


def _linked(node: Json, relation: str, address: str, seen: set[str]) -> list[str]:
    """Give the addresses that a file links to, each once."""
    from pystac.utils import make_absolute_href

    links: Iterable[Any] = node.get("links") or []
    hrefs = [link["href"] for link in links if link.get("rel") == relation]
    found = [make_absolute_href(str(href), address) for href in hrefs]
    new = [each for each in dict.fromkeys(found) if each not in seen and each.startswith(_SERVERS)]
    seen.update(new)
    return new


def _with_whole_addresses(item: Json, address: str) -> Json:
    from pystac.utils import make_absolute_href

    try:
        assets = {
            name: {**asset, "href": make_absolute_href(str(asset["href"]), address)}
            for name, asset in item["assets"].items()
        }
    except BROKEN:
        return item  # it is counted as broken
    return {**item, "assets": assets}
