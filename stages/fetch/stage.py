"""Fetch: cut each planned tile out of the first of its scenes that shows it, and save it."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.atomic import content_id
from pipeline.schema import STATUS_OK
from pipeline.stage import Owned, Shard, ShardStage
from skyscript.backends.registry import (
    RemoteSource,
    local_backend_of,
    registry_ids,
    remote_backend_of,
)
from skyscript.backends.service.retry import count_attempts
from skyscript.files.image_tars import TARS
from skyscript.files.names import IMAGE_FILES, ImageName
from skyscript.imagery.gdal import load_gdal
from skyscript.imagery.grid import crs_code
from skyscript.imagery.protocol import Pixels, Scene, TileImage
from skyscript.imagery.scene_index import scenes_by_id
from stages import tables
from stages.fetch.cache_keys import keys_of, scene_ids, tile_of
from stages.fetch.config import FetchConfig
from stages.fetch.gate import accepted, judge
from stages.fetch.image_store import ImageStore, pack
from stages.fetch.next_scene import Candidate, Chosen, NoImage, first_image
from stages.fetch.surroundings import Surroundings, surroundings
from stages.fetch.tile_journal import TileJournal

_LOCAL = threading.Lock()
"""Held while a tile is cut from a file or drawn: GDAL's files are not made for many threads."""

_OUTCOMES = 2
"""Raise it where no recorded outcome may serve any longer: every service is then asked for every
tile again. Where the pixels of one kind of source change, its part of the key changes."""

Row = Mapping[str, Any]
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class _Work:
    """What the tiles of a shard are fetched with."""

    config: FetchConfig
    images: ImageStore
    known: Mapping[str, Scene]
    surroundings: Surroundings
    journal: TileJournal | None
    """None if no tile of the shard could be reused."""

    def accepts(self, row: Row, jpeg: bytes) -> dict[str, Any] | None:
        """Give a recorded row with its figures; None if the config does not accept them."""
        return accepted(row, jpeg, self.config)


def fetch(
    tiles: pa.Table,
    scenes: ds.Dataset,
    objects: ds.Dataset,
    layout: ds.Dataset | None = None,
    *,
    config: FetchConfig,
    shard: Shard,
) -> pa.Table:
    """Save the image of each tile. The row of a tile without an image has the reason.

    By default, images are files; `pack` moves them into a tar if the layout says so.
    """
    in_tar = layout is not None and layout.to_table()["layout"][0].as_py() == tables.IN_TARS
    images = ImageStore(shard, in_tar=in_tar)
    rows = tiles.to_pylist()
    candidates = [candidate for row in rows for candidate in row["candidates"]]
    known = scenes_by_id(scenes, (name for each in candidates for name in scene_ids(each)))
    drawn = (tile_of(c).box for c in candidates if known[c["scene_id"]].backend == "simulated")
    remote = {name: s for name, s in config.sources.items() if isinstance(s, RemoteSource)}
    at_once = max((remote_backend_of(source).at_once for source in remote.values()), default=1)
    with ExitStack() as stack:
        journal = None
        if any(s.source in remote or s.content is not None for s in known.values()):
            journal = stack.enter_context(closing(TileJournal(shard.root, shard.index)))
        work = _Work(config, images, known, surroundings(objects, drawn), journal)
        fetched = _concurrently(rows, lambda row: _recorded(row, work), at_once)
        missing = [number for number, outcome in enumerate(fetched) if outcome is None]
        for source in _asked(missing, rows, remote):
            remote_backend_of(source).connect()
        given = [rows[number] for number in missing]
        for number, outcome in zip(
            missing, _concurrently(given, lambda row: _fetch(row, work), at_once), strict=True
        ):
            fetched[number] = outcome
    table = pa.Table.from_pylist(fetched, schema=tables.IMAGES.schema)
    return images.named_in(table) if in_tar else table


def _asked(
    missing: Sequence[int], rows: Sequence[Row], remote: Mapping[str, RemoteSource]
) -> list[RemoteSource]:
    """Give the services that the missing tiles ask first."""
    first = {rows[number]["candidates"][0]["source"] for number in missing}
    return [source for name, source in remote.items() if name in first]


def _concurrently(
    rows: Sequence[Row], one: Callable[[Row], Outcome], at_once: int
) -> list[Outcome]:
    """Give the rows' outcomes in their order; after the first error no other row begins.

    Tiles of one scene follow each other: what was read for one serves the next.
    """
    failed = threading.Event()

    def scene(number: int) -> str:
        candidates = rows[number]["candidates"]
        return str(candidates[0]["scene_id"]) if candidates else ""

    def unless_failed(row: Row) -> Outcome | None:
        if failed.is_set():
            return None
        try:
            return one(row)
        except BaseException:
            failed.set()
            raise

    if at_once > 1:
        load_gdal()
    with ThreadPoolExecutor(at_once) as pool:
        order = sorted(range(len(rows)), key=scene)
        futures = {number: pool.submit(unless_failed, rows[number]) for number in order}
        try:
            for future in wait(futures.values(), return_when=FIRST_EXCEPTION).done:
                future.result()
            return [cast("Outcome", futures[number].result()) for number in range(len(rows))]
        finally:
            pool.shutdown(cancel_futures=True)


def _keys(row: Row, work: _Work) -> tuple[list[str], list[str]]:
    """Give a row's keys in the journal, under either of the settings."""
    plain, judged = _settings(work.config)
    arguments = row, work.known, work.config.sources
    return list(keys_of(*arguments, plain)), list(keys_of(*arguments, judged))


def _recorded(row: Row, work: _Work) -> dict[str, object] | None:
    """Give the outcome of a row that needs no image or has one already; None of any other."""
    if row["status"] != STATUS_OK:
        return {name: row[name] for name in ("object_id", "status", "reason")}
    if work.journal is None:
        return None
    for keys in _keys(row, work):
        is_whole = len(keys) == len(row["candidates"])
        if before := work.journal.outcome(keys, work.images, work.accepts, is_whole=is_whole):
            return before
    return None


def _fetch(row: Row, work: _Work) -> dict[str, object]:
    """Fetch a tile, record its outcome in the journal and give it."""
    begun = time.monotonic()
    with count_attempts() as tally:
        outcome, used, judged = _outcome(row, work)
    if work.journal is None:
        return outcome
    keys = _keys(row, work)[judged]
    if used <= len(keys):
        seconds = round(time.monotonic() - begun, 3)
        account = {"attempts": tally.attempts, "http": tally.status, "seconds": seconds}
        work.journal.record(keys[used - 1], outcome, account)
    return outcome


def _settings(config: FetchConfig) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """Give what affects an outcome in which no image was rejected by what it shows, and any other.

    Only the latter depends on the limits: a first image that passed them is taken from the journal
    under other limits too, if it passes them.
    """
    settings = config.max_nodata, config.jpeg_quality, _OUTCOMES
    return settings, (*settings, config.limits())


def _outcome(row: Row, work: _Work) -> tuple[dict[str, object], int, bool]:
    """Give a row of the table ``images``, and how many of the candidates decided it.

    Last, whether one of them was rejected by what it shows.
    """
    candidates = [
        Candidate([work.known[name] for name in scene_ids(each)], tile_of(each))
        for each in row["candidates"]
    ]
    try:
        chosen = first_image(
            candidates,
            lambda each: _cut(each, work),
            lambda image, gsd: judge(image, gsd, work.config),
        )
    except NoImage as error:
        why = {"status": error.status, "error": error.problem.value, "reason": str(error)}
        return {"object_id": row["object_id"], **why}, len(candidates), error.judged
    return _saved(row, chosen, work), chosen.used, chosen.judged


def _saved(row: Row, chosen: Chosen, work: _Work) -> dict[str, object]:
    """Write a tile's image and give its row."""
    image, tile = chosen.image, chosen.candidate.tile
    scene, *others = chosen.candidate.scenes
    name = ImageName(row["object_id"], scene.source, scene.acquired.year % 100)
    filepath = name.in_part(row["part"])
    data = image.jpeg or _jpeg(image.rgb, work.config.jpeg_quality)
    work.images.write(filepath, data)
    height, width = image.rgb.shape[:2]
    return {
        "object_id": row["object_id"],
        "status": STATUS_OK,
        "filepath": filepath,
        "source": scene.source,
        "scene_id": scene.scene_id,
        "gsd": scene.gsd,
        "width": width,
        "height": height,
        **tile.box._asdict(),
        "crs": image.grid and crs_code(image.grid.crs),
        "transform": image.grid and list(image.grid.transform),
        "acquired": scene.acquired,
        "time_precision": scene.time_precision,
        "nodata_share": chosen.nodata_share,
        **chosen.fitness._asdict(),
        "others": [other.scene_id for other in others] or None,
        "byte_size": len(data),
        "content_hash": content_id(data),
    }


def _cut(candidate: Candidate, work: _Work) -> TileImage:
    """Give a tile from one scene, or from several if the first does not show all of it."""
    scenes, tile = candidate
    source = work.config.sources[scenes[0].source]
    near = work.surroundings.within(tile.box)
    if isinstance(source, RemoteSource):
        remote = remote_backend_of(source)
        return remote.mosaic(scenes, tile) if scenes[1:] else remote.cut(scenes[0], tile, near)
    with _LOCAL:
        local = local_backend_of(source)
        return local.mosaic(scenes, tile) if scenes[1:] else local.cut(scenes[0], tile, near)


def _jpeg(rgb: Pixels, quality: int) -> bytes:
    """Encode as a baseline RGB JPEG: the same bytes for the same pixels."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _external(config: FetchConfig) -> Mapping[str, str]:
    return registry_ids(config.sources)


FETCH = ShardStage(
    "fetch",
    fetch,
    FetchConfig,
    reads=(tables.TILES,),
    looks_up=(tables.SCENES, tables.OBJECTS, tables.LAYOUT),
    writes=tables.IMAGES,
    owns=(
        Owned(IMAGE_FILES, "filepath", "byte_size", "content_hash", inside="tar"),
        Owned(TARS, "tar", "tar_size", "tar_hash"),
    ),
    pack=pack,
    external=_external,
    by_row=True,
    version=4,
)
