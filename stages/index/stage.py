"""Index: which images tiles can be cut from, where they lie and how sharp they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.dataset as ds

from image_sources import SOURCES
from pipeline.errors import InputError
from pipeline.stage import DatasetStage
from pipeline.storage import Place
from skyscript.backends.registry import RemoteSource, find_scenes, folder_ids, registry_ids
from skyscript.geo.tile import Box
from skyscript.imagery.places import (
    bounding_box,
    how_far_apart,
    nothing_near,
    occupied_places,
)
from skyscript.imagery.protocol import Scene
from stages import tables
from stages.index.config import IndexConfig
from stages.index.estimate import estimate

_PART_ROWS = 50_000
log = logging.getLogger(__name__)


def index(focus: ds.Dataset, *, config: IndexConfig, root: Place) -> Iterator[pa.Table]:  # noqa: ARG001
    """List the scenes of every source, sorted by id. A service lists only scenes near the objects.

    Raises `InputError` if there is no source, no scene at all, or a source that cannot be used.
    """
    if not config.sources:
        raise InputError(
            "No source of images: name one under `sources`, for example "
            "{SIM: {backend: simulated}} or {CH: {backend: folder, path: images, acquired: 2019}}."
        )
    remote = [source for source in config.sources.values() if isinstance(source, RemoteSource)]
    places = occupied_places(focus)
    for source in remote[:1]:
        log.info("%s", estimate(focus.count_rows(), source))
    scenes: list[Scene] = []
    far: dict[str, str] = {}
    for alias in sorted(config.sources):
        found = find_scenes(alias, config.sources[alias], places)
        if not found:
            log.warning("%s has no image of a place where objects lie", alias)
        elif apart := how_far_apart([scene.geometry for scene in found], places):
            log.warning("%s: %s", alias, apart)
            far[alias] = apart
        scenes += found
    if not scenes:
        raise InputError(_nothing(config, places))
    if all(scene.source in far for scene in scenes):
        raise InputError(nothing_near(far))
    scenes.sort(key=lambda scene: scene.scene_id)
    for start in range(0, len(scenes), _PART_ROWS):
        yield _table(scenes[start : start + _PART_ROWS])


def _nothing(config: IndexConfig, places: Sequence[Box]) -> str:
    """Say why there is no scene: where the objects lie, and what the sources cover."""
    covers = [
        f"{alias} covers " + " ".join(f"{side:g}" for side in SOURCES[alias].coverage)
        for alias in sorted(config.sources)
        if alias in SOURCES
    ]
    lie = " ".join(f"{side:.2f}" for side in bounding_box(places)) if places else "nowhere"
    return (
        f"No source has an image of a place where objects lie (W S E N: {lie}"
        f"{''.join(f'; {each}' for each in covers)}). Check `sources`, their `years` and "
        "`max_cloud`."
    )


def _table(scenes: Sequence[Scene]) -> pa.Table:
    rows = [vars(scene) | scene.box._asdict() | {"hrefs": scene.hrefs or None} for scene in scenes]
    return pa.Table.from_pylist(rows, schema=tables.SCENES.schema)


def _external(config: IndexConfig) -> Mapping[str, str]:
    return folder_ids(config.sources) | registry_ids(config.sources)


INDEX = DatasetStage(
    "index",
    index,
    IndexConfig,
    reads=(tables.FOCUS,),
    writes=tables.SCENES,
    external=_external,
    version=3,
)
