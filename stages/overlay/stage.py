"""Overlay: gives each image the visible tags of its focus object and of the neighbours.

A neighbour is another object with a large enough part in the tile: some square pixels of an area,
some pixels of a line, or any point (the maximum GSD of its tags implies its size). Only tags that
the run's vocabulary calls visible at the image's GSD are used, in today's spelling. An object
without such a tag, or hidden from above (`hidden_from_above`), is not a neighbour. The result is
the published pickle and a row, which also gives the reason for each dropped tag of the focus
object. If `align` corrects the shift of a scene, the box of its images is the corrected one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.atomic import content_id, write_bytes
from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Owned, Shard, ShardStage
from skyscript.files.meta import Meta, dump_meta
from skyscript.files.names import META_FILES, meta_path
from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box
from skyscript.match.scene_shift import corrected, shifts_to_correct
from skyscript.osm.bounds import bounds_of, within_bounds
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from stages.overlay.config import OverlayConfig
from stages.overlay.neighbours import WITHOUT_EXTENT, NearbyObjects, Tags, extent_of_view
from tag_vocab import Vocabulary

NOTHING_VISIBLE = "no tag that can be seen at the image's resolution"

_OBJECT_COLUMNS = ("object_id", "kind", "osm_id", "geometry", "tags")
_OF_IMAGE = (
    "object_id",
    "filepath",
    "source",
    "gsd",
    *Box._fields,
    "acquired",
    "status",
    "reason",
)


def overlay(
    images: pa.Table,
    focus: pa.Table,
    objects: ds.Dataset,
    vocab: ds.Dataset,
    scene_shifts: ds.Dataset,
    *,
    config: OverlayConfig,
    shard: Shard,
) -> pa.Table:
    """Find the visible tags of each image: focus object first, then neighbours. Write its pickle.

    The share of a neighbour is its part of the tile's area, 0 for lines and points. The distance is
    in metres on the ground, from the tile's centre to the part of the neighbour in the tile. The
    surroundings are complete if the tile lies within the bounds of the OSM extract.
    """
    columns = ["object_id", "kind", "tags", *Box._fields]
    focus_of = {row["object_id"]: row for row in focus.select(columns).to_pylist()}
    shifts = shifts_to_correct(scene_shifts)
    rows = [corrected(row, focus_of[row["object_id"]], shifts) for row in images.to_pylist()]
    words = run_vocabulary(vocab)
    metas = [_meta_row(row, focus_of[row["object_id"]], words, config) for row in rows]
    ok = [number for number, meta in enumerate(metas) if meta["status"] == STATUS_OK]
    shown = [rows[number] for number in ok]
    boxes = [Box.of(row) for row in shown]
    near = objects_near(objects, boxes, _OBJECT_COLUMNS)
    neighbours = NearbyObjects(near, words).neighbours(shown, config)
    counts = [0] * len(rows)
    complete = within_bounds(boxes, bounds_of(objects))
    for number, around, is_complete in zip(ok, neighbours.tags_of_tiles(), complete, strict=True):
        meta, counts[number] = metas[number], len(around)
        data = dump_meta(_published_meta(meta, around))
        write_bytes(shard.root / meta["metapath"], data)
        meta["surroundings_complete"] = is_complete
        meta["meta_size"], meta["meta_hash"] = len(data), content_id(data)
    return _table(metas, neighbours.column(counts))


def _table(metas: Sequence[Mapping[str, Any]], surrounding: pa.Array) -> pa.Table:
    schema = tables.META.schema
    place = schema.get_field_index("surrounding")
    rest = pa.Table.from_pylist(list(metas), schema=schema.remove(place))
    return rest.add_column(place, schema.field(place), surrounding).cast(schema)


def _meta_row(
    image: Mapping[str, Any], focus: Mapping[str, Any], words: Vocabulary, config: OverlayConfig
) -> dict[str, Any]:
    """Give the row of the table meta for an image and its focus object, but neighbours."""
    empty = {"object_id": image["object_id"], "center_tags": []}
    if image["status"] != STATUS_OK:
        return empty | {"status": image["status"], "reason": image["reason"]}
    tags, gsd = dict(focus["tags"]), image["gsd"] / config.gsd_slack
    extent = extent_of_view(image, gsd) if focus["kind"] in WITHOUT_EXTENT else None
    center_tags = words.visible(tags, gsd, extent)
    left_out = list(words.invisible_tags(tags, gsd, extent).items())
    if not center_tags:
        status = {"status": STATUS_FILTERED, "reason": NOTHING_VISIBLE}
        return empty | status | {"left_out": left_out}
    return {
        **{name: image[name] for name in _OF_IMAGE},
        "metapath": meta_path(image["filepath"]),
        "center_tags": list(center_tags.items()),
        "left_out": left_out,
    }


def _published_meta(meta: Mapping[str, Any], around: list[Tags]) -> Meta:
    time = meta["acquired"]
    return Meta(
        box=Box.of(meta),
        time=(time.year, time.month, time.day, time.hour, time.minute),
        center_tags=dict(meta["center_tags"]),
        surrounding_tags=around,
    )


OVERLAY = ShardStage(
    "overlay",
    overlay,
    OverlayConfig,
    reads=(tables.IMAGES, tables.FOCUS),
    looks_up=(tables.OBJECTS, tables.VOCAB, tables.SCENE_SHIFTS),
    writes=tables.META,
    owns=(Owned(META_FILES, "metapath", "meta_size", "meta_hash"),),
    external=vocabulary,
    version=7,
)
