"""Eligible: finds the objects that a source can show, and the tags that are then visible.

`sample` draws from these objects only. `plan` would drop all others, and fewer tiles would be left.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript import chance
from skyscript.geo.antimeridian import middles
from skyscript.geo.bbox import OUTSIDE
from skyscript.geo.tile import Box
from skyscript.osm.shapes import WaysRead
from skyscript.osm.tags import tags_of
from skyscript.osm.underground import UNDERGROUND, hidden_from_above
from skyscript.vocabulary import NOTHING_SEEN, run_vocabulary, vocabulary
from stages import tables
from stages.eligible.config import EligibleConfig
from stages.eligible.outside import lie_outside
from stages.eligible.showing import Objects, read_outlines, showing
from stages.eligible.why_none import why_none
from tag_vocab import Vocabulary
from tag_vocab.objects import Seen


def find_eligible(
    boxes: pa.Table,
    outlines: ds.Dataset,
    vocab: ds.Dataset,
    ways: ds.FileSystemDataset | None = None,
    nodes: ds.FileSystemDataset | None = None,
    *,
    config: EligibleConfig,
    shard: Shard,
) -> pa.Table:
    """Say for each object whether a source can show it and which of its tags, or why none can.

    A source can show an object that is not hidden from above, lies in an outline of the source, has
    a tag that is visible at the source's GSD and, if it is an area, fits into a tile. If the run
    has a box, the object must lie in it; the nodes of lines that shards have read are in ``ways``
    and ``nodes``.
    """
    words = run_vocabulary(vocab)
    reasons = np.array(boxes["reason"].to_pylist(), object)
    reasons[pc.not_equal(boxes["status"], STATUS_OK).to_numpy() & (reasons == None)] = ""  # noqa: E711
    if config.bbox is not None:
        placed = np.flatnonzero(reasons == None)  # noqa: E711
        read = WaysRead.of(ways, nodes, shard.root)
        reasons[placed[lie_outside(boxes.take(placed), config.bbox, read)]] = OUTSIDE
    carried = [dict(each) for each in tags_of(boxes["tags"])]
    tags = [words.seen(each) for each in carried]
    for row, each in enumerate(carried):
        if reasons[row] is None and not tags[row]:
            reasons[row] = NOTHING_SEEN
        elif reasons[row] is None and hidden_from_above(each):
            reasons[row] = UNDERGROUND
    asked = np.flatnonzero(reasons == None)  # noqa: E711
    max_gsds = [config.gsd_slack * (words.coarsest(tags[row]) or 0.0) for row in asked]
    views = [config.gsd_slack * _least_view(carried[row], words) for row in asked]
    things = Objects.of(boxes.take(asked), np.array(max_gsds), np.array(views))
    gsds, reasons[asked] = showing(things, read_outlines(outlines), config)
    seen: list[list[str]] = [[] for _ in tags]
    for row, gsd in zip(asked.tolist(), (gsds / config.gsd_slack).tolist(), strict=True):
        if reasons[row] is None:
            seen[row] = _names(_seen_at(carried[row], tags[row], gsd, words))
    return _table(boxes, seen, tags, reasons, config)


def _seen_at(tags: dict[str, str], seen: list[Seen], gsd: float, words: Vocabulary) -> list[Seen]:
    """Give the tags that are visible at a GSD, of those that are visible at any."""
    return seen if all(tag.max_gsd >= gsd for tag in seen) else words.seen(tags, gsd)


def _least_view(tags: dict[str, str], words: Vocabulary) -> float:
    return min((view.least for _, view in words.views(tags)), default=0.0)


def _names(seen: list[Seen]) -> list[str]:
    return list(dict.fromkeys(f"{tag.key}={tag.value}" for tag in seen))


def _table(
    boxes: pa.Table,
    seen: list[list[str]],
    tags: list[list[Seen]],
    reasons: np.ndarray[tuple[int], np.dtype[np.object_]],
    config: EligibleConfig,
) -> pa.Table:
    unseen = [
        [name for name in _names(every) if name not in names]
        for every, names in zip(tags, seen, strict=True)
    ]
    is_ok = [reason is None for reason in reasons]
    columns = {
        "object_id": boxes["object_id"],
        "lon": _longitudes(boxes),
        "lat": pc.divide(pc.add(boxes["south"], boxes["north"]), 2),
        "draw": [
            chance.uniform(config.seed, name, "sample") for name in boxes["object_id"].to_pylist()
        ],
        "tags": seen,
        "unseen": unseen,
        "status": [STATUS_OK if each else STATUS_FILTERED for each in is_ok],
        "reason": [reason or None for reason in reasons],
    }
    return pa.table(columns, schema=tables.ELIGIBLE.schema)


def _longitudes(boxes: pa.Table) -> pa.Array:
    sides = np.column_stack([boxes[side].to_numpy() for side in Box._fields])
    return pa.array(middles(sides), mask=np.isnan(sides[:, 0]))


ELIGIBLE = ShardStage(
    "eligible",
    find_eligible,
    EligibleConfig,
    reads=(tables.BOXES,),
    looks_up=(tables.OUTLINES, tables.VOCAB),
    may_look_up=(tables.WAYS, tables.NODES),
    writes=tables.ELIGIBLE,
    external=vocabulary,
    why_empty=why_none,
    version=5,
)
