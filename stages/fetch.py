"""Fetch: cut each planned tile out of the first of its scenes that shows it, and save it."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import shapely
from pydantic import Field

from pipeline.atomic import content_id, write_bytes
from pipeline.schema import STATUS_FAILED, STATUS_FILTERED, STATUS_OK
from pipeline.stage import Owned, Shard, ShardStage, StageConfig
from stages import tables
from stages.geometry import Box, Tile
from stages.imagery.backend import Gone, ImageryError, NotNow, Pixels, Scene, TileImage
from stages.imagery.catalogue import scenes_by_id
from stages.imagery.sources import Asked, Sources, archive_of, backend_of, contents
from stages.imagery.straddle import composed
from stages.ledger import Ledger
from stages.neighbours import objects_near

_LOCAL = threading.Lock()
"""Held while a tile is cut from a file or drawn: GDAL's files are not made for many threads."""


class FetchConfig(StageConfig):
    """How tiles become image files."""

    sources: Sources = Field(
        default={}, description="Alias (CH, US, SIM ...) -> where its images come from."
    )
    max_nodata: float = Field(
        0.05,
        ge=0,
        le=1,
        description="The share of a tile that may lack data; above it the next scene is tried.",
    )
    jpeg_quality: int = Field(90, ge=1, le=100, description="Quality of the JPEGs.")


class _NoImage(Exception):
    """No scene gives the tile: status and reason."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class _Surroundings:
    """The OSM objects of a shard's simulated tiles."""

    table: pa.Table
    tree: shapely.STRtree

    def within(self, box: Box) -> pa.Table:
        """Give the objects that touch a box."""
        touching = self.tree.query(shapely.box(*box), predicate="intersects")
        touching.sort()
        return self.table.take(pa.array(touching))


def fetch(
    tiles: pa.Table,
    scenes: ds.Dataset,
    objects: ds.Dataset,
    *,
    config: FetchConfig,
    shard: Shard,
) -> pa.Table:
    """Save the image of each tile and give its row; rows that have none say why."""
    rows = tiles.to_pylist()
    wanted = (name for row in rows for each in row["candidates"] for name in _scene_ids(each))
    known = scenes_by_id(scenes, wanted)
    surroundings = _surroundings(rows, known, objects)

    def one(row: Mapping[str, Any]) -> dict[str, object]:
        return _fetch(row, known, surroundings, config, shard.root)

    at_once = [archive_of(s).at_once for s in config.sources.values() if isinstance(s, Asked)]
    if at_once:
        with Ledger(shard.root, shard.index) as ledger:
            keep = partial(_once, one=one, known=known, config=config, ledger=ledger)
            fetched = _all_at_once(rows, keep, max(at_once))
    else:
        fetched = [one(row) for row in rows]
    return pa.Table.from_pylist(fetched, schema=tables.IMAGES.schema)


def _all_at_once(
    rows: Sequence[Mapping[str, Any]],
    one: Callable[[Mapping[str, Any]], dict[str, object]],
    at_once: int,
) -> list[dict[str, object]]:
    """Give the rows' outcomes in their order; the first error drops what has not begun."""
    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(one, row) for row in rows]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            return [future.result() for future in futures]
        finally:
            pool.shutdown(cancel_futures=True)


def _once(
    row: Mapping[str, Any],
    one: Callable[[Mapping[str, Any]], dict[str, object]],
    known: Mapping[str, Scene],
    config: FetchConfig,
    ledger: Ledger,
) -> dict[str, object]:
    """Give what the ledger has of a row; else fetch it and write it down.

    Only where services alone can give the tile: to read files or draw again costs little, and
    files may have changed.
    """
    scenes = [known[name] for each in row["candidates"] for name in _scene_ids(each)]
    if not all(isinstance(config.sources[scene.source], Asked) for scene in scenes):
        return one(row)
    key = content_id(repr((row, scenes, config.identity(), FETCH.version)).encode())
    if (before := ledger.kept(key)) is not None:
        return before
    begun = time.monotonic()
    outcome = one(row)
    if row["status"] == STATUS_OK:
        ledger.note(key, outcome, time.monotonic() - begun)
    return outcome


def _fetch(
    row: Mapping[str, Any],
    known: Mapping[str, Scene],
    surroundings: _Surroundings,
    config: FetchConfig,
    root: Path,
) -> dict[str, object]:
    outcome = {"object_id": row["object_id"], "status": row["status"], "reason": row["reason"]}
    if row["status"] != STATUS_OK:
        return outcome
    try:
        scenes, tile, image = _first_image(row["candidates"], known, surroundings, config)
    except _NoImage as error:
        return outcome | {"status": error.status, "reason": str(error)}
    scene = scenes[0]
    filepath = (
        f"images{row['part']}/{row['object_id']}_{scene.source}_{scene.acquired.year % 100:02}.jpg"
    )
    data = image.jpeg or _jpeg(image.rgb, config.jpeg_quality)
    write_bytes(root / filepath, data)
    return outcome | {
        "filepath": filepath,
        "source": scene.source,
        "scene_id": scene.scene_id,
        "gsd": scene.gsd,
        "width": tile.width,
        "height": tile.height,
        **tile.box._asdict(),
        "acquired": scene.acquired,
        "time_precision": scene.time_precision,
        "nodata_share": _nodata_share(image),
        "others": [other.scene_id for other in scenes[1:]] or None,
        "byte_size": len(data),
        "content_hash": content_id(data),
    }


def _first_image(
    candidates: Sequence[Mapping[str, Any]],
    known: Mapping[str, Scene],
    surroundings: _Surroundings,
    config: FetchConfig,
) -> tuple[list[Scene], Tile, TileImage]:
    """Give the first candidate that can be read and is whole enough, or raise `_NoImage`.

    A scene that could not be read may be readable another time, so then the row may be retried.
    """
    errors: list[ImageryError] = []
    for candidate in candidates:
        scenes, tile = [known[name] for name in _scene_ids(candidate)], _tile(candidate)
        try:
            image = _cut(scenes, tile, surroundings, config)
        except NotNow as error:
            raise _NoImage(STATUS_FAILED, str(error)) from error
        except ImageryError as error:
            errors.append(error)
            continue
        if _nodata_share(image) <= config.max_nodata:
            return scenes, tile, image
    if passing := [error for error in errors if not isinstance(error, Gone)]:
        raise _NoImage(STATUS_FAILED, str(passing[0]))
    if errors:
        raise _NoImage(STATUS_FILTERED, str(errors[0]))
    limit = f"{config.max_nodata:.3g}"
    raise _NoImage(STATUS_FILTERED, f"no image with at most {limit} of the tile without data")


def _cut(
    scenes: Sequence[Scene], tile: Tile, surroundings: _Surroundings, config: FetchConfig
) -> TileImage:
    """Give a tile of one scene, or of several where the first does not show all of it."""
    source = config.sources[scenes[0].source]
    near = surroundings.within(tile.box)
    if isinstance(source, Asked):
        archive = archive_of(source)
        if len(scenes) > 1:
            return archive.mosaic(scenes, tile)
        return archive.cut(scenes[0], tile, near)
    with _LOCAL:
        return composed(lambda scene: backend_of(source).cut(scene, tile, near), scenes)


def _scene_ids(candidate: Mapping[str, Any]) -> list[str]:
    return [candidate["scene_id"], *(candidate["others"] or [])]


def _surroundings(
    rows: Sequence[Mapping[str, Any]], known: Mapping[str, Scene], objects: ds.Dataset
) -> _Surroundings:
    """Give the objects that simulated sources need: those near the tiles that are to be drawn."""
    boxes = {
        _tile(candidate).box
        for row in rows
        for candidate in row["candidates"]
        if known[candidate["scene_id"]].backend == "simulated"
    }
    table = objects_near(objects, sorted(boxes))
    return _Surroundings(table, shapely.STRtree(shapely.from_wkb(table["geometry"].to_numpy())))


def _tile(candidate: Mapping[str, Any]) -> Tile:
    box = Box(*(candidate[side] for side in Box._fields))
    return Tile(box, candidate["width"], candidate["height"])


def _nodata_share(image: TileImage) -> float:
    return 1 - float(image.valid.mean())


def _jpeg(rgb: Pixels, quality: int) -> bytes:
    """Encode as a baseline RGB JPEG: the same bytes for the same pixels."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _external(config: FetchConfig) -> Mapping[str, str]:
    return contents(config.sources)


FETCH = ShardStage(
    "fetch",
    fetch,
    FetchConfig,
    reads=(tables.TILES,),
    looks_up=(tables.SCENES, tables.OBJECTS),
    writes=tables.IMAGES,
    owns=(Owned("images[2-7]/[nwar]*_[0-9][0-9].jpg", "filepath"),),
    external=_external,
)
