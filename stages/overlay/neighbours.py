"""The neighbours of tiles: which objects lie in each tile, how much of it and how near its centre.

All tiles of a shard are answered together, so that shapely and NumPy work on long arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from skyscript.geo.clip import clip_to_boxes
from skyscript.geo.tile import Box, mercator_box, project, scale_in
from skyscript.osm.tags import tags_of
from skyscript.osm.underground import hidden_from_above
from stages import tables
from stages.overlay.config import OverlayConfig
from tag_vocab import Vocabulary
from tag_vocab.sizes import ANY_VIEW, View

WITHOUT_EXTENT = ("n", "w")
"""Kinds of objects whose own extent is not known: nodes and lines."""

_WAY_KINDS = ("w", "a")

Geometries = npt.NDArray[np.object_]
Indices = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.float64]
Tags = dict[str, str]


class Neighbours(NamedTuple):
    """The neighbours of the tiles of a shard, tile by tile, in the order of captions."""

    ends: list[int]
    """For each tile, the number of neighbours up to its last one."""
    object_ids: pa.Array
    tags: list[Tags]
    """Visible at the GSD of the neighbour's tile."""
    share: Numbers
    distance: Numbers

    def tags_of_tiles(self) -> Iterator[list[Tags]]:
        """Yield the tags of each tile's neighbours."""
        for start, end in itertools.pairwise([0, *self.ends]):
            yield self.tags[start:end]

    def column(self, counts: Sequence[int]) -> pa.Array:
        """Give the column ``surrounding``: row *i* lists the next ``counts[i]`` neighbours."""
        ends = np.cumsum([len(tags) for tags in self.tags], dtype=np.int32)
        tags = pa.MapArray.from_arrays(
            _offsets(ends),
            pa.array([key for tags in self.tags for key in tags], pa.string()),
            pa.array([value for tags in self.tags for value in tags.values()], pa.string()),
        )
        values = [self.object_ids, tags.cast(tables.TAGS), self.share, self.distance]
        fields = list(tables.NEIGHBOUR)
        arrays = [
            value if isinstance(value, pa.Array) else pa.array(value, field.type)
            for value, field in zip(values, fields, strict=True)
        ]
        rows = pa.StructArray.from_arrays(arrays, fields=fields)
        return pa.ListArray.from_arrays(_offsets(np.cumsum(counts, dtype=np.int32)), rows)


def _offsets(ends: npt.NDArray[np.int32]) -> pa.Array:
    return pa.array(np.concatenate([[0], ends]), pa.int32())


class _Tiles(NamedTuple):
    """Images as arrays, in EPSG:3857 metres."""

    boxes: Numbers
    pixel_area: Numbers
    """The area of one pixel of each image."""
    area: Numbers
    centre: Geometries
    scale: Numbers
    """EPSG:3857 metres for each metre on the ground at the centre."""
    gsd: list[float]
    """The finest maximum GSD of a tag that is visible."""
    extent: list[float]
    """Extent of view, in metres."""
    osm_id: npt.NDArray[np.int64]
    """The OSM number of each focus object."""
    kind: npt.NDArray[np.str_]


def _tiles(images: Sequence[Mapping[str, Any]], config: OverlayConfig) -> _Tiles:
    boxes = [mercator_box(Box.of(image)) for image in images]
    widths = [image["width"] for image in images]
    gsds = [image["gsd"] / config.gsd_slack for image in images]
    sides = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    west, south, east, north = sides.T
    return _Tiles(
        boxes=sides,
        pixel_area=((east - west) / np.array(widths, dtype=np.float64)) ** 2,
        area=(east - west) * (north - south),
        centre=np.array(shapely.points((west + east) / 2, (south + north) / 2), dtype=object),
        scale=np.array([scale_in(box) for box in boxes]),
        gsd=gsds,
        extent=[extent_of_view(*each) for each in zip(images, gsds, strict=True)],
        osm_id=np.array([int(image["object_id"][1:]) for image in images], dtype=np.int64),
        kind=_kinds(image["object_id"][0] for image in images),
    )


def extent_of_view(image: Mapping[str, Any], gsd: float) -> float:
    """Give the shorter side of an image in metres, if its GSD were ``gsd``."""
    return float(min(image["width"], image["height"]) * gsd)


def _kinds(kinds: Iterable[str]) -> npt.NDArray[np.str_]:
    """Give kinds with one letter for all ways; a way can be both a line and an area."""
    return np.array([_WAY_KINDS[0] if kind in _WAY_KINDS else kind for kind in kinds], dtype="U1")


class NearbyObjects:
    """A spatial index of the objects near a shard's tiles, in EPSG:3857 metres."""

    def __init__(self, objects: pa.Table, words: Vocabulary) -> None:
        self._words = words
        self._object_ids = _combined(objects["object_id"])
        kinds = objects["kind"].to_pylist()
        self._letters, self._kind = np.array(kinds, dtype="U1"), _kinds(kinds)
        self._osm_id = objects["osm_id"].to_numpy()
        self._tags = [dict(tags) for tags in tags_of(objects["tags"])]
        self._hidden = np.array([hidden_from_above(tags) for tags in self._tags], dtype=bool)
        self._geometries = shapely.transform(
            shapely.from_wkb(objects["geometry"].to_numpy(zero_copy_only=False)), project
        )
        self._tree = shapely.STRtree(self._geometries)

    def neighbours(self, images: Sequence[Mapping[str, Any]], config: OverlayConfig) -> Neighbours:
        """Give the neighbours of each image by distance, then by share, both ascending."""
        tiles = _tiles(images, config)
        at, near = self._pairs(tiles)
        parts = clip_to_boxes(self._geometries[near], at, tiles.boxes)
        shown = _shows_enough(parts, tiles.pixel_area[at], config)
        at, near, parts = at[shown], near[shown], parts[shown]
        share = np.round(shapely.area(parts) / tiles.area[at], 6)
        distance = np.round(shapely.distance(parts, tiles.centre[at]) / tiles.scale[at], 2)
        order = np.lexsort((self._osm_id[near], self._letters[near], share, distance, at))
        tags = self._visible_tags(at[order].tolist(), near[order].tolist(), tiles)
        order = order[[bool(each) for each in tags]]
        return Neighbours(
            np.cumsum(np.bincount(at[order], minlength=len(images))).tolist(),
            self._object_ids.take(pa.array(near[order])),
            [each for each in tags if each],
            np.minimum(share[order], 1.0),
            distance[order],
        )

    def _visible_tags(self, at: list[int], near: list[int], tiles: _Tiles) -> list[Tags]:
        """Give the visible tags of pairs of a tile and an object."""
        known: dict[tuple[int, float], tuple[Tags, View]] = {}
        found = []
        for tile, index in zip(at, near, strict=True):
            gsd, extent = tiles.gsd[tile], tiles.extent[tile]
            if (index, gsd) not in known:
                known[index, gsd] = self._visible_in_any_view(index, gsd)
            visible, view = known[index, gsd]
            if view.why_outside(extent):
                visible = self._words.visible(self._tags[index], gsd, extent)
            found.append(visible)
        return found

    def _visible_in_any_view(self, index: int, gsd: float) -> tuple[Tags, View]:
        """Give the tags of an object visible at a GSD, and the extents in which all of them are."""
        tags = self._tags[index]
        is_whole = self._letters[index] not in WITHOUT_EXTENT
        views = [] if is_whole else [view for _, view in self._words.views(tags, gsd)]
        least = max((view.least for view in views), default=ANY_VIEW.least)
        most = min((view.most for view in views), default=ANY_VIEW.most)
        return self._words.visible(tags, gsd), View(least, most)

    def _pairs(self, tiles: _Tiles) -> tuple[Indices, Indices]:
        """Give pairs of a tile and an object whose boxes meet, tile by tile."""
        at, near = self._tree.query(shapely.box(*tiles.boxes.T))
        is_focus = (self._osm_id[near] == tiles.osm_id[at]) & (self._kind[near] == tiles.kind[at])
        wanted = ~(self._hidden[near] | is_focus)
        at, near = at[wanted], near[wanted]
        order = np.argsort(at, kind="stable")
        return at[order], near[order]


def _combined(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _shows_enough(
    parts: Geometries, pixel_area: Numbers, config: OverlayConfig
) -> npt.NDArray[np.bool_]:
    dimensions = shapely.get_dimensions(parts)  # -1 for an empty part
    enough: npt.NDArray[np.bool_] = np.select(
        [dimensions == 0, dimensions == 1, dimensions == 2],
        [
            True,
            shapely.length(parts) / np.sqrt(pixel_area) >= config.min_length,
            shapely.area(parts) / pixel_area >= config.min_area,
        ],
        default=False,
    )
    return enough
