"""Plan: for every focus object the tile to fetch, the source drawn for it, and the fall-backs.

As in the paper: a tile is centred on a point, on a node of a line or on the box of an area, and
then shifted. The config sets what the paper leaves open. Where no image covers the drawn tile,
others are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript import chance
from skyscript.files.names import PARTS
from skyscript.imagery.scene_index import SceneIndex, scene_index
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from stages.plan.candidates import placed
from stages.plan.config import PlanConfig
from stages.plan.subject import Skip, subject_of
from tag_vocab import Vocabulary


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
    planned = [_plan(*pair, known, words, config) for pair in zip(rows, geometries, strict=True)]
    return pa.Table.from_pylist(planned, schema=tables.TILES.schema)


def _plan(
    row: Mapping[str, Any],
    geometry: shapely.Geometry,
    known: SceneIndex,
    words: Vocabulary,
    config: PlanConfig,
) -> dict[str, object]:
    object_id = row["object_id"]
    result: dict[str, object] = {
        "object_id": object_id,
        # Independent of the seed: an object's folder is the same in every dataset.
        "part": PARTS[int(len(PARTS) * chance.uniform(0, object_id, "part"))],
        "centred": False,
        "candidates": [],
        "status": STATUS_OK,
        "reason": None,
    }
    try:
        placement, candidates = placed(subject_of(row, geometry, words), known, config)
        result |= {"centred": placement.shift == (0, 0), "candidates": candidates}
    except Skip as skip:
        result |= {"status": STATUS_FILTERED, "reason": str(skip)}
    return result


PLAN = ShardStage(
    "plan",
    plan,
    PlanConfig,
    reads=(tables.FOCUS,),
    looks_up=(tables.SCENES, tables.VOCAB),
    writes=tables.TILES,
    external=vocabulary,
    version=3,
)
