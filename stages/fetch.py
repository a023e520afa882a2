"""Fetch: cut each planned tile out of the first of its scenes that shows it, and save it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import shapely
from pydantic import Field

from pipeline.atomic import content_id, write_bytes
from pipeline.schema import STATUS_FAILED, STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage, StageConfig
from stages import tables
from stages.geometry import Box, Tile
from stages.imagery.backend import ImageryError, Pixels, Scene, TileImage
from stages.imagery.catalogue import scenes_by_id
from stages.imagery.sources import Sources, backend_of, contents
from stages.neighbours import objects_near


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
    wanted = (candidate["scene_id"] for row in rows for candidate in row["candidates"])
    known = scenes_by_id(scenes, wanted)
    surroundings = _surroundings(rows, known, objects)
    fetched = [_fetch(row, known, surroundings, config, shard.root) for row in rows]
    return pa.Table.from_pylist(fetched, schema=tables.IMAGES.schema)


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
        scene, tile, image = _first_image(row["candidates"], known, surroundings, config)
    except _NoImage as error:
        return outcome | {"status": error.status, "reason": str(error)}
    filepath = (
        f"images{row['part']}/{row['object_id']}_{scene.source}_{scene.acquired.year % 100:02}.jpg"
    )
    data = _jpeg(image.rgb, config.jpeg_quality)
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
        "byte_size": len(data),
        "content_hash": content_id(data),
    }


def _first_image(
    candidates: Sequence[Mapping[str, Any]],
    known: Mapping[str, Scene],
    surroundings: _Surroundings,
    config: FetchConfig,
) -> tuple[Scene, Tile, TileImage]:
    """Give the first candidate that can be read and is whole enough, or raise `_NoImage`.

    A scene that could not be read may be readable another time, so then the row may be retried.
    """
    errors = []
    for candidate in candidates:
        scene, tile = known[candidate["scene_id"]], _tile(candidate)
        near = surroundings.within(tile.box)
        try:
            image = backend_of(config.sources[scene.source]).cut(scene, tile, near)
        except ImageryError as error:
            errors.append(str(error))
            continue
        if _nodata_share(image) <= config.max_nodata:
            return scene, tile, image
    if errors:
        raise _NoImage(STATUS_FAILED, errors[0])
    limit = f"{config.max_nodata:.3g}"
    raise _NoImage(STATUS_FILTERED, f"no image with at most {limit} of the tile without data")


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
    owns=("images*/*.jpg",),
    external=_external,
)
