"""Cache keys for fetched tiles: a digest of all that affects the pixels, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from image_sources import SOURCES
from pipeline.atomic import content_id
from skyscript.backends.registry import RemoteSource, Sources
from skyscript.geo.tile import Box, Tile
from skyscript.imagery.protocol import Scene


def scene_ids(candidate: Mapping[str, Any]) -> list[str]:
    """Give the scenes of a candidate, the one on top first."""
    return [candidate["scene_id"], *(candidate["others"] or [])]


def tile_of(candidate: Mapping[str, Any]) -> Tile:
    """Give a candidate's tile."""
    return Tile(Box.of(candidate), candidate["width"], candidate["height"])


def keys_of(
    row: Mapping[str, Any],
    known: Mapping[str, Scene],
    sources: Sources,
    settings: tuple[object, ...],
) -> Iterator[str]:
    """Give a key for the first candidate of a row, for the first two, the first three ...

    An image from a candidate depends on that one and on those tried before it, not on those
    behind it, nor on the weight of a source. Keys end before a candidate that is always drawn
    anew (a simulated one).
    """
    parts: list[object] = [row["object_id"], row["part"], settings]
    for candidate in row["candidates"]:
        scenes = [known[name] for name in scene_ids(candidate)]
        source = sources[scenes[0].source]
        entry: object = None
        if isinstance(source, RemoteSource):
            if (found := SOURCES.get(scenes[0].source)) is not None:
                entry = (found.name, found.bands, found.stretch, found.gamma, found.stac)
        elif any(scene.content is None for scene in scenes):
            return
        facts = [_facts(scene) for scene in scenes]
        parts += [tile_of(candidate), facts, source.cutting(), entry]
        yield content_id(repr(parts).encode())


def _facts(scene: Scene) -> tuple[object, ...]:
    """Give what affects the pixels and the row of a tile; what a source does not say is left out.

    So a fact that another kind of source says does not change the keys of this one.
    """
    named = scene.scene_id, scene.name, scene.gsd
    time = scene.acquired, scene.time_precision
    facts = (*named, *time, scene.hrefs, scene.content, scene.crs)
    said = {"bands": scene.bands, "offsets": scene.offsets, "nodata": scene.nodata}
    return *facts, *(fact for fact in said.items() if fact[1] is not None)
