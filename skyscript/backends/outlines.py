"""Where each source can show something, and how sharply, known before any service is asked.

A local source is known by its files. A service is known by the coverage that `image_sources` states
for it, which is coarse: it may lack images inside.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import shapely

from image_sources import SOURCES
from skyscript.backends.registry import LocalSource, RemoteSource, Sources, find_scenes

WORLD = (-180.0, -90.0, 180.0, 90.0)


class Outline(NamedTuple):
    """An area (WGS 84) in which a source may have images of a GSD."""

    name: str
    """Alias and name, unique."""
    source: str
    finest_gsd: float
    """Metres; 0 if it is unknown."""
    coarsest_gsd: float
    """Metres; infinite if it is unknown."""
    geometry: bytes
    """WKB."""


def outlines(sources: Sources) -> list[Outline]:
    """Give the outlines of all sources, by alias; without sources, the world at any GSD.

    Raises `InputError` if a folder cannot be used.
    """
    found = [each for alias in sorted(sources) for each in _of(alias, sources[alias])]
    return found or [Outline("any", "", 0.0, math.inf, _box(WORLD))]


def _of(alias: str, source: LocalSource | RemoteSource) -> Iterator[Outline]:
    if isinstance(source, RemoteSource):
        registered = SOURCES.get(alias)
        gsd = getattr(source, "gsd", None) or (registered.gsd if registered else 0.0)
        coverage = registered.coverage if registered else WORLD
        yield Outline(alias, alias, gsd, math.inf, _box(coverage))
        return
    for scene in find_scenes(alias, source, []):
        yield Outline(scene.scene_id, alias, scene.gsd, scene.gsd, scene.geometry)


def _box(sides: tuple[float, float, float, float]) -> bytes:
    return bytes(shapely.to_wkb(shapely.box(*sides), byte_order=1))
