"""Match: compare the edges of each image with the outlines of the objects in it.

`skyscript.match` compares; this stage brings the objects and the image together. An image in which
there is nothing to compare keeps its status, and ``no_match`` says why. The row also says how long
after its capture the object was last changed on the map.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.schema import STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.files.image_tars import image_file
from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import degrees_box
from skyscript.images.decode import Unusable, decode
from skyscript.match.correlation import agreement
from skyscript.match.edge_lines import EdgeLines
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from stages.match.config import MatchConfig
from stages.match.dates import date_gaps
from stages.match.pixel_grid import ImagePixels


def match(
    images: pa.Table,
    objects: ds.Dataset,
    vocab: ds.Dataset,
    *,
    config: MatchConfig,
    shard: Shard,
) -> pa.Table:
    """Find the shift by which the objects fit each image best, and say how well they fit."""
    rows = images.to_pylist()
    grids = [ImagePixels(row) if row["status"] == STATUS_OK else None for row in rows]
    near = objects_near(objects, [degrees_box(grid.around(config.reach)) for grid in grids if grid])
    lines = EdgeLines(near, run_vocabulary(vocab))
    wanted = {row["object_id"] for row in rows}
    history = near.select(["object_id", "tags", "changed"]).to_pylist()
    focus = {row["object_id"]: row for row in history if row["object_id"] in wanted}
    matched = []
    for row, grid in zip(rows, grids, strict=True):
        out = {name: row[name] for name in ("object_id", "source", "scene_id", "status", "reason")}
        if grid:
            out |= _compare(row, grid, lines, config.reach, shard)
            if row["object_id"] in focus:
                its = focus[row["object_id"]]
                out |= date_gaps(dict(its["tags"]), its["changed"], row["acquired"])
        matched.append(out)
    return pa.Table.from_pylist(matched, schema=tables.MATCH.schema)


def _compare(
    image: Mapping[str, Any], grid: ImagePixels, lines: EdgeLines, reach: float, shard: Shard
) -> dict[str, Any]:
    """Give the columns on the match of an image."""
    rgb = decode(image_file(shard.root, image).read_bytes())
    if isinstance(rgb, Unusable):
        return {"no_match": rgb.reason}
    pieces = grid.place(lines.near(grid.around(reach)))
    found = agreement(rgb, pieces, image["gsd"], reach)
    if isinstance(found, str):
        return {"no_match": found}
    east, north = grid.metres(found.right, found.down)
    return {
        "match": round(found.match, 4),
        "dx_m": round(east, 2),
        "dy_m": round(north, 2),
        "match_confidence": round(found.confidence, 4),
        "edge_m": round(found.length, 1),
    }


MATCH = ShardStage(
    "match",
    match,
    MatchConfig,
    reads=(tables.IMAGES,),
    looks_up=(tables.OBJECTS, tables.VOCAB),
    writes=tables.MATCH,
    external=vocabulary,
    version=2,
)
