"""Overlay: gives each image the visible tags of its focus object and of the neighbours.

A neighbour is another object with a large enough part in the tile: some square pixels of an area,
some pixels of a line, or any point (the maximum GSD of its tags implies its size). Only tags that
the run's vocabulary calls visible at the image's GSD are used, in today's spelling. An object
without such a tag, or hidden from above (`hidden_from_above`), is not a neighbour. The result is
the published pickle and a row, which also gives the reason for each dropped tag of the focus
object. If `align` corrects the shift of a scene, the box of its images is the corrected one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds
import shapely
from pydantic import Field

from pipeline.atomic import content_id, write_bytes
from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Owned, Shard, ShardStage, StageConfig
from skyscript.files.meta import Meta, dump_meta
from skyscript.files.names import META_FILES, meta_path
from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box, mercator_box, mercator_scale, project, to_degrees
from skyscript.match.scene_shift import corrected, shifts_to_correct
from skyscript.osm.underground import hidden_from_above
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from tag_vocab import Vocabulary

NOTHING_VISIBLE = "no tag that can be seen at the image's resolution"

_WAY_KINDS = ["w", "a"]

Geometries = npt.NDArray[np.object_]


class OverlayConfig(StageConfig):
    """The minimum size of a neighbour in a tile, and the slack in GSD."""

    min_area: float = Field(
        default=16.0,
        ge=0,
        description="Name an area as a neighbour only if it covers at least this many square "
        "pixels of the tile.",
    )
    min_length: float = Field(
        default=8.0,
        ge=0,
        description="Name a line as a neighbour only if it runs through at least this many pixels "
        "of the tile.",
    )
    gsd_slack: float = Field(
        default=1.0,
        ge=1,
        description="Allow an image to be this many times coarser than a tag's maximum GSD. Set "
        "it at the top level, because plan uses the same key.",
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
    in metres on the ground, from the tile's centre to the part of the neighbour in the tile.
    """
    columns = ["object_id", "tags", *Box._fields]
    focus_of = {row["object_id"]: row for row in focus.select(columns).to_pylist()}
    shifts = shifts_to_correct(scene_shifts)
    rows = [corrected(row, focus_of[row["object_id"]], shifts) for row in images.to_pylist()]
    boxes = [Box.of(row) for row in rows if row["status"] == STATUS_OK]
    words = run_vocabulary(vocab)
    around = _NearbyObjects(objects_near(objects, boxes), words)
    metas = []
    for row in rows:
        meta = _meta_row(row, dict(focus_of[row["object_id"]]["tags"]), around, words, config)
        if meta["status"] == STATUS_OK:
            data = dump_meta(_published_meta(meta))
            write_bytes(shard.root / meta["metapath"], data)
            meta["meta_size"], meta["meta_hash"] = len(data), content_id(data)
        metas.append(meta)
    return pa.Table.from_pylist(metas, schema=tables.META.schema)


def _meta_row(
    image: Mapping[str, Any],
    tags: dict[str, str],
    around: _NearbyObjects,
    words: Vocabulary,
    config: OverlayConfig,
) -> dict[str, Any]:
    """Give the row of the table meta for an image and its focus object's tags."""
    empty = {"object_id": image["object_id"], "center_tags": [], "surrounding": []}
    if image["status"] != STATUS_OK:
        return empty | {"status": image["status"], "reason": image["reason"]}
    gsd = image["gsd"] / config.gsd_slack
    center_tags = words.visible(tags, gsd)
    left_out = list(words.invisible_tags(tags, gsd).items())
    if not center_tags:
        status = {"status": STATUS_FILTERED, "reason": NOTHING_VISIBLE}
        return empty | status | {"left_out": left_out}
    names = (
        "object_id",
        "filepath",
        "source",
        "gsd",
        *Box._fields,
        "acquired",
        "status",
        "reason",
    )
    return {
        **{name: image[name] for name in names},
        "metapath": meta_path(image["filepath"]),
        "center_tags": list(center_tags.items()),
        "left_out": left_out,
        "surrounding": list(around.neighbours(image, config)),
    }


def _published_meta(meta: Mapping[str, Any]) -> Meta:
    time = meta["acquired"]
    return Meta(
        box=Box.of(meta),
        time=(time.year, time.month, time.day, time.hour, time.minute),
        center_tags=dict(meta["center_tags"]),
        surrounding_tags=[dict(neighbour["tags"]) for neighbour in meta["surrounding"]],
    )


class _Tile(NamedTuple):
    """The box of an image, and the lengths of a pixel and of a metre, in EPSG:3857 metres."""

    box: Box
    pixel: float
    """Side of a pixel in EPSG:3857 metres."""
    scale: float
    """EPSG:3857 metres for each metre on the ground at the centre."""

    @property
    def area(self) -> float:
        return (self.box.east - self.box.west) * (self.box.north - self.box.south)

    @property
    def centre(self) -> shapely.Point:
        return shapely.Point(
            (self.box.west + self.box.east) / 2, (self.box.south + self.box.north) / 2
        )


def _tile(image: Mapping[str, Any]) -> _Tile:
    box = mercator_box(Box.of(image))
    _, latitude = to_degrees(0, (box.south + box.north) / 2)
    return _Tile(box, (box.east - box.west) / image["width"], mercator_scale(latitude))


class _NearbyObjects:
    """A spatial index of the objects near a shard's tiles, in EPSG:3857 metres."""

    def __init__(self, objects: pa.Table, words: Vocabulary) -> None:
        self._words = words
        self._object_id: list[str] = objects["object_id"].to_pylist()
        self._kind = np.array(objects["kind"].to_pylist(), dtype="U1")
        self._osm_id = objects["osm_id"].to_numpy()
        self._tags = [dict(tags) for tags in objects["tags"].to_pylist()]
        self._hidden = np.array([hidden_from_above(tags) for tags in self._tags], dtype=bool)
        self._geometries = shapely.transform(
            shapely.from_wkb(objects["geometry"].to_pylist()), project
        )
        self._tree = shapely.STRtree(self._geometries)
        self._visible: dict[tuple[int, float], dict[str, str]] = {}

    def neighbours(
        self, image: Mapping[str, Any], config: OverlayConfig
    ) -> Iterator[dict[str, Any]]:
        """Yield the neighbours as rows by distance, then by share, both ascending."""
        tile = _tile(image)
        near = self._tree.query(shapely.box(*tile.box))
        near = near[~(self._hidden[near] | self._is_focus(image["object_id"], near))]
        parts = shapely.clip_by_rect(self._geometries[near], *tile.box)
        shown = _shows_enough(parts, tile, config)
        near, parts = near[shown], parts[shown]
        share = np.round(shapely.area(parts) / tile.area, 6)
        distance = np.round(shapely.distance(parts, tile.centre) / tile.scale, 2)
        for at in np.lexsort((self._osm_id[near], self._kind[near], share, distance)):
            index = int(near[at])
            if tags := self._visible_tags(index, image["gsd"] / config.gsd_slack):
                yield {
                    "object_id": self._object_id[index],
                    "tags": list(tags.items()),
                    "share": min(float(share[at]), 1.0),
                    "distance": float(distance[at]),
                }

    def _is_focus(self, object_id: str, near: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Give a mask of the focus object; a way can be both a line and an area."""
        kinds = _WAY_KINDS if object_id[0] in _WAY_KINDS else [object_id[0]]
        same: npt.NDArray[np.bool_] = self._osm_id[near] == int(object_id[1:])
        return same & np.isin(self._kind[near], kinds)

    def _visible_tags(self, index: int, gsd: float) -> dict[str, str]:
        if (index, gsd) not in self._visible:
            self._visible[index, gsd] = self._words.visible(self._tags[index], gsd)
        return self._visible[index, gsd]


def _shows_enough(parts: Geometries, tile: _Tile, config: OverlayConfig) -> npt.NDArray[np.bool_]:
    dimensions = shapely.get_dimensions(parts)  # -1 for an empty part
    area = shapely.area(parts) / tile.pixel**2
    length = shapely.length(parts) / tile.pixel
    enough: npt.NDArray[np.bool_] = np.select(
        [dimensions == 0, dimensions == 1, dimensions == 2],
        [True, length >= config.min_length, area >= config.min_area],
        default=False,
    )
    return enough


OVERLAY = ShardStage(
    "overlay",
    overlay,
    OverlayConfig,
    reads=(tables.IMAGES, tables.FOCUS),
    looks_up=(tables.OBJECTS, tables.VOCAB, tables.SCENE_SHIFTS),
    writes=tables.META,
    owns=(Owned(META_FILES, "metapath", "meta_size", "meta_hash"),),
    external=vocabulary,
    version=5,
)
