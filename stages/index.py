"""Index: which images there are to cut tiles from, where they lie and how sharp they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from pipeline.errors import InputError
from pipeline.stage import DatasetStage, StageConfig
from stages import tables
from stages.imagery.backend import Scene
from stages.imagery.sources import Sources, backend_of, contents

_PART_ROWS = 50_000


class IndexConfig(StageConfig):
    """Where images come from."""

    sources: Sources = Field(
        default={}, description="Alias (CH, US, SIM ...) -> where its images come from."
    )


def index(*, config: IndexConfig, root: Path) -> Iterator[pa.Table]:  # noqa: ARG001
    """List every source's scenes, in the order of their ids.

    Raises `InputError` where there is no source, or one has nothing or something unusable.
    """
    if not config.sources:
        raise InputError(
            "No source of images: name one under `sources`, for example "
            "{SIM: {backend: simulated}} or {CH: {backend: folder, path: images, acquired: 2019}}."
        )
    scenes = [
        scene
        for alias, source in sorted(config.sources.items())
        for scene in backend_of(source).scenes(alias)
    ]
    scenes.sort(key=lambda scene: scene.scene_id)
    for start in range(0, len(scenes), _PART_ROWS):
        yield _table(scenes[start : start + _PART_ROWS])


def _table(scenes: Sequence[Scene]) -> pa.Table:
    rows = [
        {
            "scene_id": scene.scene_id,
            "source": scene.source,
            "backend": scene.backend,
            "name": scene.name,
            "geometry": scene.geometry,
            **scene.box._asdict(),
            "gsd": scene.gsd,
            "acquired": scene.acquired,
            "time_precision": scene.time_precision,
            "weight": scene.weight,
        }
        for scene in scenes
    ]
    return pa.Table.from_pylist(rows, schema=tables.SCENES.schema)


def _external(config: IndexConfig) -> Mapping[str, str]:
    return contents(config.sources)


INDEX = DatasetStage(
    "index",
    index,
    IndexConfig,
    reads=(),
    writes=tables.SCENES,
    external=_external,
)
