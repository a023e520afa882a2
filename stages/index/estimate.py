"""Estimates of what a large run will request from a service and store, printed before it begins."""

from __future__ import annotations

from skyscript.backends.earth_engine import EarthEngineSource
from skyscript.backends.registry import RemoteSource

FAST, SLOW = 0.5, 2.0
"""Seconds that a service may take for a request, at best and at worst."""
FREE_HOURS = 150
"""EECU-hours a month of Earth Engine's lowest non-commercial tier."""
OBJECTS_A_MEGABYTE = 18_000
"""Objects with a key of the vocabulary in a megabyte of OSM PBF, at most: 8,600 in Andorra, 11,500
in Columbus, 14,400 in Monaco, 14,500 in Heidelberg, 17,900 in Liechtenstein."""
IMAGE_BYTES = 14_000
"""Mean size of a published JPEG: 72 GB of zips hold 5.2 million."""


def estimate(objects: int, source: RemoteSource) -> str:
    """Say how many requests, hours and how much compute tiles of so many objects may take."""
    looks_at_clouds = isinstance(source, EarthEngineSource) and source.max_tile_cloud is not None
    each, words = (2, "two requests") if looks_at_clouds else (1, "one request")
    requests = each * objects
    hours = [requests / min(source.at_once / wait, source.a_second) / 3600 for wait in (FAST, SLOW)]
    text = (
        f"up to {objects:,} tiles, about {words} each: {hours[0]:,.1f} hours if the service "
        f"takes {FAST} s a request at {source.at_once} at once, {hours[1]:,.1f} hours at {SLOW} s"
    )
    if isinstance(source, EarthEngineSource):
        share = FREE_HOURS * 3600 / max(1, objects)
        each_gets = f"{share:,.0f}" if share >= 10 else f"{share:.1f}"
        text += f"; {FREE_HOURS} free EECU-hours a month are {each_gets} EECU-seconds a tile"
    return text
