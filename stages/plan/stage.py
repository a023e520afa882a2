"""Plan: for every focus object the tile to fetch, the source drawn for it, and the fall-backs.

As in the paper: a tile is centred on a point, on a node of a line or on the box of an area, and
then shifted. The config sets what the paper leaves open. Where no image covers the drawn tile,
others are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript import chance
from skyscript.files.names import PARTS
from skyscript.geo.tile import Box
from skyscript.imagery.places import bounding_box
from skyscript.imagery.scene_index import Indices, SceneIndex, scene_index
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from stages.plan.candidates import placed
from stages.plan.config import PlanConfig
from stages.plan.placement import Placement, first_placement
from stages.plan.subject import Skip, Subject, subject_of
from tag_vocab import Vocabulary

Planned = tuple[Placement, list[dict[str, object]]]
"""Where an object lies in its tile, and the scenes that show the tile."""


def plan(
    focus: pa.Table,
    scenes: ds.Dataset,
    vocab: ds.Dataset,
    *,
    config: PlanConfig,
    shard: Shard,  # noqa: ARG001
) -> pa.Table:
    """Plan a tile and its candidate scenes for each focus object, or record why it gets none."""
    known, words = scene_index(scenes), run_vocabulary(vocab)
    geometries = shapely.from_wkb(focus.column("geometry").to_numpy(zero_copy_only=False))
    rows = focus.drop_columns(["geometry"]).to_pylist()
    subjects = [_subject(*pair, words, config) for pair in zip(rows, geometries, strict=True)]
    drawn = [first_placement(each, config) for each in subjects if isinstance(each, Subject)]
    places = np.array([(first.lon, first.lat) for first in drawn]).reshape(-1, 2)
    firsts = zip(drawn, known.touching_points(places), strict=True)
    planned = [
        _row(
            row["object_id"],
            subject if isinstance(subject, Skip) else _placed(subject, next(firsts), known, config),
        )
        for row, subject in zip(rows, subjects, strict=True)
    ]
    return pa.Table.from_pylist(planned, schema=tables.TILES.schema)


def _subject(
    row: Mapping[str, Any], geometry: shapely.Geometry, words: Vocabulary, config: PlanConfig
) -> Subject | Skip:
    try:
        return subject_of(row, geometry, words).within(config.bbox)
    except Skip as skip:
        return skip


def _placed(
    subject: Subject, first: tuple[Placement, Indices], known: SceneIndex, config: PlanConfig
) -> Planned | Skip:
    try:
        return placed(subject, *first, known, config)
    except Skip as skip:
        return skip


def _row(object_id: str, planned: Planned | Skip) -> dict[str, object]:
    result: dict[str, object] = {
        "object_id": object_id,
        # Independent of the seed: an object's folder is the same in every dataset.
        "part": PARTS[int(len(PARTS) * chance.uniform(0, object_id, "part"))],
        "centred": False,
        "candidates": [],
        "status": STATUS_OK,
        "reason": None,
    }
    if isinstance(planned, Skip):
        return result | {"status": STATUS_FILTERED, "reason": str(planned)}
    placement, candidates = planned
    around = bounding_box([Box.of(each) for each in candidates])
    is_centred = placement.shift == (0, 0)
    return result | {"centred": is_centred, "candidates": candidates, **around._asdict()}


PLAN = ShardStage(
    "plan",
    plan,
    PlanConfig,
    reads=(tables.FOCUS,),
    looks_up=(tables.SCENES, tables.VOCAB),
    writes=tables.TILES,
    external=vocabulary,
    version=6,
)
