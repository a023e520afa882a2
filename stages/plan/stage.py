"""Plan: for every focus object the tile to fetch, the source drawn for it, and the fall-backs.

As in the paper: a tile is centred on a point, on a node of a line or on the box of an area, and
then shifted. The config sets what the paper leaves open. Where no image covers the drawn tile,
others are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import shapely

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript import chance
from skyscript.files.names import PARTS
from skyscript.geo.antimeridian import are_of_both_sides
from skyscript.geo.tile import Box, Points
from skyscript.imagery.places import bounding_box
from skyscript.imagery.scene_index import SceneIndex, scene_index
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from stages.plan.candidates import attempt, placed, showing
from stages.plan.config import PlanConfig
from stages.plan.placement import Placement, first_placements
from stages.plan.subject import AREAS, Skip, Subject, subject_of
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
    rows = focus.drop_columns(["geometry"]).to_pylist()
    both_sides = are_of_both_sides(np.column_stack([focus[side] for side in Box._fields]))
    shapes = zip(rows, _nodes(focus), both_sides.tolist(), strict=True)
    subjects = [_subject(*shape, words, config) for shape in shapes]
    planned = iter(_placed([each for each in subjects if isinstance(each, Subject)], known, config))
    tiles = [subject if isinstance(subject, Skip) else next(planned) for subject in subjects]
    ids = [row["object_id"] for row in rows]
    # Independent of the seed: an object's folder is the same in every dataset.
    parts = (len(PARTS) * chance.uniforms(0, ids, "part")).astype(int).tolist()
    made = [_row(*columns) for columns in zip(ids, parts, tiles, strict=True)]
    return pa.Table.from_pylist(made, schema=tables.TILES.schema)


def _nodes(focus: pa.Table) -> list[Points]:
    """Give the nodes of each line and point; of an area none, because its box is enough."""
    geometries = shapely.from_wkb(focus["geometry"].to_numpy(zero_copy_only=False))
    geometries[pc.is_in(focus["kind"], pa.array(AREAS)).to_numpy(zero_copy_only=False)] = None
    nodes, index = shapely.get_coordinates(geometries, return_index=True)
    return np.split(nodes, np.searchsorted(index, np.arange(1, len(focus))))[: len(focus)]


def _subject(
    row: Mapping[str, Any], nodes: Points, is_cut: bool, words: Vocabulary, config: PlanConfig
) -> Subject | Skip:
    try:
        return subject_of(row, nodes, is_cut, words).within(config.bbox)
    except Skip as skip:
        return skip


def _placed(
    subjects: Sequence[Subject], known: SceneIndex, config: PlanConfig
) -> Iterator[Planned | Skip]:
    """Yield for each subject where it lies in its tile, or why it gets none."""
    drawn = first_placements(subjects, config)
    places = np.array([(first.lon, first.lat) for first in drawn]).reshape(-1, 2)
    firsts = [
        attempt(*each, known, config)
        for each in zip(subjects, drawn, known.touching_points(places), strict=True)
    ]
    for subject, first, shown in zip(subjects, firsts, showing(firsts, known), strict=True):
        yield placed(subject, first, shown, known, config)


def _row(object_id: str, part: int, planned: Planned | Skip) -> dict[str, object]:
    result: dict[str, object] = {
        "object_id": object_id,
        "part": PARTS[part],
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
