"""The objects in and beside tiles: what each shows, how much of it, or why that is not enough.

All tiles of a shard are answered together, so that shapely and NumPy work on long arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from skyscript.geo.clip import clip_to_boxes
from skyscript.geo.nearby import FARTHEST
from skyscript.geo.tile import Box, mercator_box, project, scale_in
from skyscript.osm.tags import Tags, tags_of
from skyscript.osm.underground import hidden_from_above
from stages.truth.config import TruthConfig
from stages.truth.enough import Parts, shows_enough
from stages.truth.showing import NOTHING, Showing, at_any_gsd, showing
from stages.truth.trees import under_trees
from tag_vocab import Vocabulary

COLUMNS = ("object_id", "kind", "tags", "geometry")
NEARBY = "only at the image's edge, or beside it"
HIDDEN = "under ground or under a roof"
UNSEEN = "too small or too fine for the image's resolution"
TOO_LITTLE = "too little of it is in the image"
UNDER_TREES = "under trees"

Geometries = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.float64]


class Piece(NamedTuple):
    """An object in or beside a tile."""

    shown: Showing
    """By the tags that are visible at the image's GSD."""
    known: Showing
    """By all its tags."""
    reason: str | None
    """Why it does not show what it is well enough; None if it does."""
    share: float
    """The share of the tile that it covers, 0 to 1."""
    area: shapely.Geometry | None
    """Its part in the tile, if that is an area with something visible."""


class NearObjects:
    """The objects near a shard's tiles, in EPSG:3857 metres."""

    def __init__(self, objects: pa.Table, words: Vocabulary) -> None:
        self._ids: list[str] = objects["object_id"].to_pylist()
        self._kinds: list[str] = objects["kind"].to_pylist()
        tags = tags_of(objects["tags"])
        self._hidden = [hidden_from_above(dict(each)) for each in tags]
        self._known = [
            at_any_gsd(kind, each, words) for kind, each in zip(self._kinds, tags, strict=True)
        ]
        degrees = shapely.from_wkb(objects["geometry"].to_numpy(zero_copy_only=False))
        self._geometries = shapely.make_valid(shapely.transform(degrees, project))
        self._half = np.array([_half_width(each) for each in self._known], dtype=np.float64)
        self._half[shapely.get_dimensions(self._geometries) == 2] = 0.0

    def pieces(self, rows: Sequence[Mapping[str, Any]], config: TruthConfig) -> list[list[Piece]]:
        """Give the objects in and beside each tile.

        ``rows`` have the columns of ``meta``, and ``width`` in pixels.
        """
        boxes = np.array([mercator_box(Box.of(row)) for row in rows]).reshape(-1, 4)
        scale = np.array([scale_in(Box(*box)) for box in boxes.tolist()])
        pixel = (boxes[:, 2] - boxes[:, 0]) / np.array([row["width"] for row in rows], dtype=float)
        at, near = self._pairs(boxes, scale, config.margin)
        shown, known = self._shown(rows, at, near), [self._known[one] for one in near]
        clipped = clip_to_boxes(self._geometries[near], at, boxes)
        parts = Parts(self._geometries[near], clipped, boxes[at], pixel[at], scale[at])
        enough = shows_enough(parts, [each.size for each in shown], config)
        trees = under_trees(clipped, at, known)
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        share = np.minimum(shapely.area(clipped) / area[at], 1.0)
        reasons = np.select(
            [
                shapely.is_empty(clipped),
                np.array([self._hidden[one] for one in near], dtype=bool),
                np.array([not each.every for each in shown], dtype=bool),
                ~enough,
                trees,
            ],
            [NEARBY, HIDDEN, UNSEEN, TOO_LITTLE, UNDER_TREES],
            default="",
        ).tolist()
        found: list[list[Piece]] = [[] for _ in rows]
        for number, tile in enumerate(at.tolist()):
            covers = shown[number].every and share[number] > 0
            piece = Piece(
                shown[number],
                known[number],
                reasons[number] or None,
                float(share[number]),
                clipped[number] if covers else None,
            )
            found[tile].append(piece)
        return found

    def _shown(
        self,
        rows: Sequence[Mapping[str, Any]],
        at: npt.NDArray[np.intp],
        near: npt.NDArray[np.intp],
    ) -> list[Showing]:
        """Give what the object of each pair shows by the tags that are visible in the tile."""
        seen = [_visible_tags(row) for row in rows]
        pairs = zip(at.tolist(), near.tolist(), strict=True)
        tags = ((self._kinds[one], seen[tile].get(self._ids[one])) for tile, one in pairs)
        return [showing(kind, each) if each else NOTHING for kind, each in tags]

    def _pairs(
        self, boxes: Numbers, scale: Numbers, margin: float
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Give pairs of a tile and an object that shows something in it or near it."""
        some = np.flatnonzero([bool(known.every) for known in self._known])
        factor = float(scale.max(initial=1.0))
        reach = shapely.bounds(self._geometries[some]) + np.outer(
            self._half[some] * factor, [-1, -1, 1, 1]
        )
        tree = shapely.STRtree(np.asarray(shapely.box(*reach.T), dtype=object))
        wider = boxes + np.outer(margin * scale, [-1, -1, 1, 1])
        at, near = tree.query(shapely.box(*wider.T))
        near = some[near]
        apart = shapely.distance(self._geometries[near], shapely.box(*boxes[at].T))
        close = apart <= (margin + self._half[near]) * scale[at]
        at, near = at[close], near[close]
        order = np.lexsort((near, at))
        return at[order], near[order]


def _half_width(known: Showing) -> float:
    return min(known.size.metres / 2, FARTHEST) if known.every else 0.0


def _visible_tags(row: Mapping[str, Any]) -> dict[str, Tags]:
    """Give the visible tags of an image's objects, by object."""
    around = {one["object_id"]: tuple(one["tags"]) for one in row["surrounding"]}
    return {row["object_id"]: tuple(row["center_tags"]), **around}
