"""Fetch: cut each planned tile out of the first of its scenes that shows it, and save it."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import shapely
from pydantic import Field

from pipeline.atomic import content_id, write_bytes
from pipeline.schema import STATUS_FAILED, STATUS_FILTERED, STATUS_OK
from pipeline.stage import Owned, Shard, ShardStage, StageConfig
from skyscript.backends.registry import Asked, Sources, archive_of, backend_of, registered
from skyscript.backends.service.retry import tallied
from skyscript.files.names import IMAGE_FILES, ImageName
from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box, Tile
from skyscript.imagery.grid import named
from skyscript.imagery.protocol import (
    Gone,
    ImageryError,
    NotNow,
    Pixels,
    Problem,
    Scene,
    TileImage,
    Unfit,
)
from skyscript.imagery.scene_index import scenes_by_id
from stages import tables
from stages.fetch.cache_keys import keys_of, scene_ids, tile_of
from stages.fetch.tile_journal import Ledger

_LOCAL = threading.Lock()
"""Held while a tile is cut from a file or drawn: GDAL's files are not made for many threads."""

Row = Mapping[str, Any]


class FetchConfig(StageConfig):
    """How tiles become image files."""

    sources: Sources = Field(
        default={},
        description="Map each alias (CH, US, SIM …) to the place where its images come from.",
    )
    max_nodata: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Accept a tile if at most this share of it has no data. Otherwise the next "
        "scene is tried.",
    )
    jpeg_quality: int = Field(90, ge=1, le=100, description="Write JPEGs of this quality.")

    def identity(self) -> dict[str, Any]:
        """Leave out what only decides which scenes there are: the table of scenes tells that."""
        cutting = {alias: source.cutting() for alias, source in self.sources.items()}
        return super().identity() | {"sources": cutting}


class _NoImage(Exception):
    """No scene gives the tile: status, class of error, reason."""

    def __init__(self, status: str, problem: Problem, reason: str) -> None:
        super().__init__(reason)
        self.status, self.problem = status, problem


@dataclass(frozen=True)
class _Work:
    """What the tiles of a shard are fetched with."""

    config: FetchConfig
    root: Path
    known: Mapping[str, Scene]
    surroundings: _Surroundings
    ledger: Ledger | None
    """None where no tile could be kept."""


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
    wanted = (name for row in rows for each in row["candidates"] for name in scene_ids(each))
    known = scenes_by_id(scenes, wanted)
    surroundings = _surroundings(rows, known, objects)
    asked = {name: s for name, s in config.sources.items() if isinstance(s, Asked)}
    with ExitStack() as stack:
        can_keep = any(s.source in asked or s.content is not None for s in known.values())
        ledger = stack.enter_context(Ledger(shard.root, shard.index)) if can_keep else None
        work = _Work(config, shard.root, known, surroundings, ledger)
        if asked:
            at_once = max(archive_of(source).at_once for source in asked.values())
            fetched = _all_at_once(rows, lambda row: _once(row, work), at_once)
        else:
            fetched = [_once(row, work) for row in rows]
    return pa.Table.from_pylist(fetched, schema=tables.IMAGES.schema)


def _all_at_once(
    rows: Sequence[Row], one: Callable[[Row], dict[str, object]], at_once: int
) -> list[dict[str, object]]:
    """Give the rows' outcomes in their order; the first error drops what has not begun.

    Tiles of one scene are asked for one after the other: what was read for one serves the next.
    """

    def scene(number: int) -> str:
        candidates = rows[number]["candidates"]
        return str(candidates[0]["scene_id"]) if candidates else ""

    with ThreadPoolExecutor(at_once) as pool:
        order = sorted(range(len(rows)), key=scene)
        futures = {number: pool.submit(one, rows[number]) for number in order}
        try:
            wait(futures.values(), return_when=FIRST_EXCEPTION)
            return [futures[number].result() for number in range(len(rows))]
        finally:
            pool.shutdown(cancel_futures=True)


def _once(row: Row, work: _Work) -> dict[str, object]:
    """Give what the ledger has of a row; else fetch it and write it down."""
    if row["status"] != STATUS_OK:
        return {name: row[name] for name in ("object_id", "status", "reason")}
    keys = list(keys_of(row, work.known, work.config.sources, _settings(work.config)))
    if work.ledger is not None:
        is_whole = len(keys) == len(row["candidates"])
        if (before := work.ledger.kept(keys, is_whole=is_whole)) is not None:
            return before
    begun = time.monotonic()
    with tallied() as tally:
        outcome, used = _fetch(row, work)
    if work.ledger is not None and used <= len(keys):
        seconds = round(time.monotonic() - begun, 3)
        account = {"attempts": tally.attempts, "http": tally.status, "seconds": seconds}
        work.ledger.note(keys[used - 1], outcome, account)
    return outcome


def _settings(config: FetchConfig) -> tuple[object, ...]:
    """Give what decides all images alike."""
    return config.max_nodata, config.jpeg_quality, FETCH.version


def _fetch(row: Row, work: _Work) -> tuple[dict[str, object], int]:
    """Give a row's outcome, and by how many of the candidates it was decided."""
    outcome: dict[str, object] = {"object_id": row["object_id"], "status": STATUS_OK}
    try:
        used, scenes, tile, image = _first_image(row["candidates"], work)
    except _NoImage as error:
        said = {"status": error.status, "error": error.problem.value, "reason": str(error)}
        return outcome | said, len(row["candidates"])
    scene = scenes[0]
    name = ImageName(row["object_id"], scene.source, scene.acquired.year % 100)
    filepath = name.in_part(row["part"])
    data = image.jpeg or _jpeg(image.rgb, work.config.jpeg_quality)
    write_bytes(work.root / filepath, data)
    height, width = image.rgb.shape[:2]
    return outcome | {
        "filepath": filepath,
        "source": scene.source,
        "scene_id": scene.scene_id,
        "gsd": scene.gsd,
        "width": width,
        "height": height,
        **tile.box._asdict(),
        "crs": image.grid and named(image.grid.crs),
        "transform": image.grid and list(image.grid.transform),
        "acquired": scene.acquired,
        "time_precision": scene.time_precision,
        "nodata_share": _nodata_share(image),
        "others": [other.scene_id for other in scenes[1:]] or None,
        "byte_size": len(data),
        "content_hash": content_id(data),
    }, used


def _first_image(
    candidates: Sequence[Row], work: _Work
) -> tuple[int, list[Scene], Tile, TileImage]:
    """Give the first candidate that can be read and is whole enough, or raise `_NoImage`.

    A scene that could not be read may be readable another time, so then the row may be retried.
    """
    errors: list[ImageryError] = []
    for used, candidate in enumerate(candidates, start=1):
        scenes, tile = [work.known[name] for name in scene_ids(candidate)], tile_of(candidate)
        try:
            image = _cut(scenes, tile, work)
        except NotNow as error:
            raise _NoImage(STATUS_FAILED, error.problem, str(error)) from error
        except ImageryError as error:
            errors.append(error)
            continue
        if _nodata_share(image) <= work.config.max_nodata:
            return used, scenes, tile, image
    passing = [error for error in errors if not isinstance(error, Gone | Unfit)]
    if passing:
        raise _NoImage(STATUS_FAILED, passing[0].problem, str(passing[0]))
    if errors:
        raise _NoImage(STATUS_FILTERED, errors[0].problem, str(errors[0]))
    limit = f"no image with at most {work.config.max_nodata:.3g} of the tile without data"
    raise _NoImage(STATUS_FILTERED, Problem.NO_IMAGERY, limit)


def _cut(scenes: Sequence[Scene], tile: Tile, work: _Work) -> TileImage:
    """Give a tile of one scene, or of several where the first does not show all of it."""
    source = work.config.sources[scenes[0].source]
    near = work.surroundings.within(tile.box)
    if isinstance(source, Asked):
        archive = archive_of(source)
        return archive.mosaic(scenes, tile) if scenes[1:] else archive.cut(scenes[0], tile, near)
    with _LOCAL:
        backend = backend_of(source)
        return backend.mosaic(scenes, tile) if scenes[1:] else backend.cut(scenes[0], tile, near)


def _surroundings(
    rows: Sequence[Row], known: Mapping[str, Scene], objects: ds.Dataset
) -> _Surroundings:
    """Give the objects that simulated sources need: those near the tiles that are to be drawn."""
    boxes = {
        tile_of(candidate).box
        for row in rows
        for candidate in row["candidates"]
        if known[candidate["scene_id"]].backend == "simulated"
    }
    table = objects_near(objects, sorted(boxes))
    return _Surroundings(table, shapely.STRtree(shapely.from_wkb(table["geometry"].to_numpy())))


def _nodata_share(image: TileImage) -> float:
    return 1 - float(image.valid.mean())


def _jpeg(rgb: Pixels, quality: int) -> bytes:
    """Encode as a baseline RGB JPEG: the same bytes for the same pixels."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _external(config: FetchConfig) -> Mapping[str, str]:
    return registered(config.sources)


FETCH = ShardStage(
    "fetch",
    fetch,
    FetchConfig,
    reads=(tables.TILES,),
    looks_up=(tables.SCENES, tables.OBJECTS),
    writes=tables.IMAGES,
    owns=(Owned(IMAGE_FILES, "filepath", "byte_size"),),
    external=_external,
    by_row=True,
    version=2,
)
