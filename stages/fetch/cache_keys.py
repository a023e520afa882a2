"""What decides the image of a tile, and no more: what an image from before is known by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from image_sources import SOURCES
from pipeline.atomic import content_id
from skyscript.backends.registry import Asked, Sources
from skyscript.geo.tile import Box, Tile
from skyscript.imagery.protocol import Scene


def scene_ids(candidate: Mapping[str, Any]) -> list[str]:
    """Give the scenes of a candidate, the one on top first."""
    return [candidate["scene_id"], *(candidate["others"] or [])]


def tile_of(candidate: Mapping[str, Any]) -> Tile:
    """Give a candidate's tile."""
    box = Box(*(candidate[side] for side in Box._fields))
    return Tile(box, candidate["width"], candidate["height"])


def keys_of(
    row: Mapping[str, Any],
    known: Mapping[str, Scene],
    sources: Sources,
    settings: tuple[object, ...],
) -> Iterator[str]:
    """Give an id of all that decides what the first one, two, three ... candidates of a row give.

    It ends before a candidate that is drawn anew each time. What a candidate further back is, or
    how often its source is drawn, does not matter to an image that came from one before it.
    """
    parts: list[object] = [row["object_id"], row["part"], settings]
    for candidate in row["candidates"]:
        scenes = [known[name] for name in scene_ids(candidate)]
        source = sources[scenes[0].source]
        entry: object = None
        if isinstance(source, Asked):
            if (found := SOURCES.get(scenes[0].source)) is not None:
                entry = (found.name, found.bands, found.stretch, found.gamma, found.stac)
        elif any(scene.content is None for scene in scenes):
            return
        facts = [
            (s.scene_id, s.name, s.gsd, s.acquired, s.time_precision, s.hrefs, s.content, s.crs)
            for s in scenes
        ]
        parts += [tile_of(candidate), facts, source.cutting(), entry]
        yield content_id(repr(parts).encode())
