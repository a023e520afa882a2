"""Statements: sentences on an image that the geometry of its OSM objects proves.

Each kind of statement makes claims on a scene and checks them in another way; a claim that its
check does not confirm is an error of the program. The choice among many claims, and the wording,
are drawn by a hash of the seed, the image and the claim. Images on a native grid, which need not
be north-up, get no statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from pipeline.atomic import content_id
from pipeline.schema import STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.vocabulary import vocabulary
from stages import tables
from stages.statements.config import StatementsConfig
from stages.statements.kinds import KINDS
from stages.statements.kinds.region import to_bins
from stages.statements.scene import Claim, Kind, Scene
from stages.statements.scenes import make_scenes


def statements(
    meta: pa.Table,
    images: pa.Table,
    objects: ds.Dataset,
    *,
    config: StatementsConfig,
    shard: Shard,  # noqa: ARG001
) -> pa.Table:
    """Make the statements of each ok image that is on the EPSG:3857 grid."""
    grid = {row["object_id"]: row for row in images.select(_GRID).to_pylist()}
    rows = [
        row | {side: grid[row["object_id"]][side] for side in ("width", "height")}
        for row in meta.to_pylist()
        if row["status"] == STATUS_OK and grid[row["object_id"]]["crs"] is None
    ]
    made = [
        _row(row["filepath"], scene, kind, claim, config)
        for row, scene in make_scenes(rows, objects)
        for kind in (KINDS[name] for name in dict.fromkeys(config.kinds))
        for claim in choose(scene, kind, config)
    ]
    return pa.Table.from_pylist(made, schema=tables.STATEMENTS.schema)


_GRID = ["object_id", "width", "height", "crs"]


def choose(scene: Scene, kind: Kind, config: StatementsConfig) -> Iterator[Claim]:
    """Yield some claims of a kind that hold, drawn by hash; each text once."""
    drawn = sorted(kind.make(scene), key=lambda claim: _draw(scene, claim, config))
    distinct = list({claim.text: claim for claim in reversed(drawn)}.values())[::-1]
    for claim in distinct[: config.per_kind]:
        assert kind.holds(claim, scene), f"{scene.object_id}: {claim.text} does not hold"
        yield claim


def _draw(scene: Scene, claim: Claim, config: StatementsConfig) -> str:
    things = (thing.object_id for thing in claim.things)
    text = "\n".join([str(config.seed), scene.object_id, claim.text, *things])
    return content_id(text.encode())


def _row(
    filepath: str, scene: Scene, kind: Kind, claim: Claim, config: StatementsConfig
) -> dict[str, Any]:
    drawn = _draw(scene, claim, config)
    phrasing = kind.phrasings[int(drawn[-8:], 16) % len(kind.phrasings)]
    geometry = shapely.geometrycollections([thing.geometry for thing in claim.things])
    box = shapely.bounds(geometry).tolist()
    return {
        "statement_id": f"{scene.object_id}/{kind.name}/{drawn[:16]}",
        "object_id": scene.object_id,
        "filepath": filepath,
        "kind": kind.name,
        "text": phrasing.format(**claim.words),
        "claim": claim.text,
        "rests_on": [thing.object_id for thing in claim.things],
        "geometry": shapely.to_wkb(geometry),
        "box": box,
        "bins": to_bins(tuple(box), scene.width, scene.height),
    }


def disabled(config: StatementsConfig) -> str | None:
    """Give the reason not to make statements if the config names no kind."""
    if config.kinds:
        return None
    return f"the config asks for none; set statements.kinds to some of {', '.join(KINDS)}"


STATEMENTS = ShardStage(
    "statements",
    statements,
    StatementsConfig,
    reads=(tables.META, tables.IMAGES),
    looks_up=(tables.OBJECTS,),
    writes=tables.STATEMENTS,
    external=vocabulary,
    disabled=disabled,
)
