"""Wanted: which objects a tile can show, so that `extract` makes geometries of no others.

A tile can show an object if their boxes meet, or if they are nearer than the distance up to which
later stages look around an image.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage, StageConfig
from skyscript.geo.nearby import FARTHEST, MOST_MARGIN, MOST_SHIFT, objects_near
from skyscript.geo.tile import Box
from stages import tables

NOT_WANTED = "not wanted: no tile shows its place"

AROUND = 2 * MOST_SHIFT
"""Metres: `match` looks so far around an image's box, which `align` may have moved as far."""
AROUND_FOR_TRUTH = MOST_SHIFT + FARTHEST + MOST_MARGIN
"""Metres, if the run has the table ``truth``."""
_DEGREE = 110_000.0
"""Metres, a little too few; near the poles, a degree of longitude is taken at this latitude."""
_MOST_NORTH = 89.0
_AT_ONCE = 50_000
"""Tiles that are compared at once, which bounds the memory."""

Sides = npt.NDArray[np.float64]
"""A row of west, south, east, north for each box."""


class WantedConfig(StageConfig):
    """Nothing can be set: the tiles decide."""


def find_wanted(
    boxes: pa.Table,
    density: pa.Table | None = None,
    *,
    tiles: ds.Dataset,
    config: WantedConfig,  # noqa: ARG001
    shard: Shard,  # noqa: ARG001
) -> pa.Table:
    """Say for each object whether a tile, or the fall-back of one, can show it.

    With the table ``density``, the run judges what an image does not show, for which it must know
    the objects farther around.
    """
    reasons = np.array(boxes["reason"].to_pylist(), object)
    is_ok = np.array([status == STATUS_OK for status in boxes["status"].to_pylist()], bool)
    sides = _sides(boxes)[is_ok]
    metres = AROUND if density is None else AROUND_FOR_TRUTH
    is_shown = np.zeros(len(boxes), bool)
    is_shown[is_ok] = _near_tiles(sides, tiles, metres)
    reasons[is_ok & ~is_shown] = NOT_WANTED
    status = np.where(is_shown, STATUS_OK, STATUS_FILTERED)
    columns = {
        "object_id": boxes["object_id"],
        "status": pa.array(status.tolist(), pa.string()),
        "reason": pa.array(reasons.tolist(), pa.string()),
    }
    return pa.table(columns, schema=tables.WANTED.schema)


def _near_tiles(sides: Sides, tiles: ds.Dataset, metres: float) -> npt.NDArray[np.bool_]:
    """Tell which boxes are at most ``metres`` from a tile."""
    found = np.zeros(len(sides), bool)
    if not len(sides):
        return found
    ends = np.concatenate([sides[:, :2].min(axis=0), sides[:, 2:].max(axis=0)])
    near = objects_near(tiles, [Box(*_widened(ends[None], metres)[0])], Box._fields)
    outlines: npt.NDArray[np.object_] = np.asarray(shapely.box(*sides.T))
    tree = shapely.STRtree(outlines)
    for some in near.to_batches(max_chunksize=_AT_ONCE):  # a part with a country meets all tiles
        around = _widened(_sides(some), metres)
        found[tree.query(shapely.box(*around.T), predicate="intersects")[1]] = True
    return found


def _sides(rows: pa.Table | pa.RecordBatch) -> Sides:
    return np.column_stack([rows[side].to_numpy() for side in Box._fields])


def _widened(sides: Sides, metres: float) -> Sides:
    """Give boxes, widened on each side by at least ``metres``."""
    north = metres / _DEGREE
    farthest = np.minimum(np.abs(sides[:, [1, 3]]).max(axis=1) + north, _MOST_NORTH)
    east = north / np.cos(np.radians(farthest))
    more = np.column_stack([-east, np.full(len(sides), -north), east, np.full(len(sides), north)])
    wider: Sides = sides + more
    return wider


WANTED = ShardStage(
    "wanted",
    find_wanted,
    WantedConfig,
    reads=(tables.BOXES,),
    looks_up=(tables.TILES,),
    may_read=(tables.DENSITY,),
    writes=tables.WANTED,
)
