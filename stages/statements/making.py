"""Makes the scenes of a shard: the geometry of the visible objects of its images, in pixels."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import shapely

from pipeline.schema import STATUS_OK
from skyscript.captions.object_names import is_thing, things_of
from skyscript.geo.clip import clip_to_boxes
from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box, mercator_box, project, scale_in, widened
from skyscript.osm.tags import Tags, tags_of
from stages.statements.edges import REACH, find_at_edges
from stages.statements.scenes import Concepts, Floats, Geometries, Ints, Scenes
from tag_vocab import Concept, concept, concepts_of
from tag_vocab.concepts_of import Kind

_Shown = tuple[Concept, ...]
_COLUMNS = ("object_id", "geometry", "tags")


def usable(meta: pa.Table, images: pa.Table) -> pa.Table:
    """Give the rows of ``meta`` that are ok and on the EPSG:3857 grid, with their size in pixels.

    An image on a native grid need not be north-up.
    """
    place = pc.index_in(meta["object_id"], images["object_id"].combine_chunks())
    for side in ("width", "height", "time_precision"):
        meta = meta.append_column(side, images[side].take(place))
    on_grid = pc.is_null(images["crs"].take(place))
    return meta.filter(pc.and_(pc.equal(meta["status"], STATUS_OK), on_grid))


def make_scenes(rows: pa.Table, objects: ds.Dataset, truth: pa.Table | None) -> Scenes:
    """Give the things of images, from the rows of `usable`.

    A user's own words for tags are left out: only the tree of concepts tells whether two things are
    of one kind.
    """
    degrees = [Box.of(row) for row in rows.select(Box._fields).to_pylist()]
    boxes = [mercator_box(box) for box in degrees]
    scale = np.array([scale_in(box) for box in boxes])
    sides = np.array(boxes, np.float64).reshape(-1, 4)
    width, height = (rows[side].to_numpy().astype(np.int64) for side in ("width", "height"))
    near = objects_near(objects, [widened(box, REACH) for box in degrees], _COLUMNS)
    things = _things(rows, near, sides, scale, np.column_stack([width, height]))
    lacking, absent, of_absent = _absent(rows["object_id"], truth)
    listed, concepts = _number(np.append(things.shown, things.edge_shown), of_absent)
    listed, edge_listed = np.split(listed, [len(things.shown)])
    number = {one: place for place, one in enumerate(concepts.all)}
    return Scenes(
        images=rows["object_id"].to_pylist(),
        width=width,
        height=height,
        metres=(sides[:, 2] - sides[:, 0]) / width / scale,
        is_complete=np.array(pc.fill_null(rows["surroundings_complete"], False).to_pylist(), bool),
        latitude=np.array([(box.south + box.north) / 2 for box in degrees]),
        acquired=rows["acquired"].to_numpy().astype("datetime64[s]"),
        precision=np.array(rows["time_precision"].to_pylist(), str),
        concepts=concepts,
        lacking=lacking,
        absent=np.array([number[one] for one in of_absent], np.int64)[absent],
        edge_image=things.edge_image,
        edge_listed=edge_listed,
        image=things.image,
        object_ids=things.ids,
        listed=listed,
        geometry=things.geometry,
    )


class _Things(NamedTuple):
    """The things of images, and the objects at their edges."""

    image: Ints
    ids: npt.NDArray[np.object_]
    shown: Ints
    """The number of the list of concepts, as in `_number_of`."""
    geometry: Geometries
    edge_image: Ints
    edge_shown: Ints


def _things(rows: pa.Table, near: pa.Table, sides: Floats, scale: Floats, sizes: Ints) -> _Things:
    image, ids, shown = _shown(rows)
    degrees = shapely.from_wkb(near["geometry"].to_numpy(zero_copy_only=False))
    metres = _valid(shapely.transform(degrees, project))
    place = pc.index_in(pa.array(ids, pa.string()), near["object_id"].combine_chunks())
    known = pc.is_valid(place).to_numpy(zero_copy_only=False)
    place = pc.fill_null(place, 0).to_numpy().astype(np.int64)
    at_edge, beside = find_at_edges(metres, sides, scale, (image[known], place[known]))
    kept = np.flatnonzero(known & (shown >= 0))
    geometry = _in_pixels(metres[place[kept]], image[kept], sides, sizes)
    some = ~shapely.is_empty(geometry)
    kept = kept[some]
    edge = _shown_by(near, beside)
    of_thing = edge >= 0
    return _Things(
        image[kept], ids[kept], shown[kept], geometry[some], at_edge[of_thing], edge[of_thing]
    )


def _shown_by(objects: pa.Table, these: Ints) -> Ints:
    """Give the numbers of the lists of concepts of some objects, by all their tags."""
    used, of = np.unique(these, return_inverse=True)
    some = objects.select(["object_id", "tags"]).take(pa.array(used))
    names = zip(tags_of(some["tags"]), some["object_id"].to_pylist(), strict=True)
    return np.array([_number_of(tags, name[0]) for tags, name in names], np.int64)[of]


def _shown(rows: pa.Table) -> tuple[Ints, np.ndarray, Ints]:
    """Give the images of the objects, their ids and what they show, each image's focus first."""
    around = pc.list_flatten(rows["surrounding"])
    counts = pc.list_value_length(rows["surrounding"]).to_numpy().astype(np.int64)
    ids = rows["object_id"].to_pylist() + pc.struct_field(around, "object_id").to_pylist()
    tags = tags_of(rows["center_tags"]) + tags_of(pc.struct_field(around, "tags"))
    image = np.concatenate([np.arange(len(counts)), np.repeat(np.arange(len(counts)), counts)])
    order = np.argsort(image, kind="stable")
    shown = [_number_of(one, name[0]) for one, name in zip(tags, ids, strict=True)]
    return image[order], np.array(ids, object)[order], np.array(shown, np.int64)[order]


_LISTS: dict[_Shown, int] = {}
"""The lists of concepts that things show, numbered as they come in this process."""


@functools.lru_cache(maxsize=1 << 16)
def _number_of(tags: Tags, kind: str) -> int:
    """Give the number of the list of concepts that an object shows; -1 if it shows no thing."""
    found = concepts_of(dict(tags), cast(Kind, kind))
    shown = (*things_of(found), *(one for one in found if not is_thing(one)))
    return _LISTS.setdefault(shown, len(_LISTS)) if shown and is_thing(shown[0]) else -1


def _absent(
    images: pa.ChunkedArray, truth: pa.Table | None
) -> tuple[Ints, Ints, Sequence[Concept]]:
    """Give images and the numbers of concepts that they certainly do not show; and the concepts."""
    if truth is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), ()
    judged = pc.and_(pc.equal(truth["verdict"], "no"), pc.is_in(truth["object_id"], images))
    no = truth.filter(judged)
    place = pc.index_in(no["object_id"], images.combine_chunks()).to_numpy().astype(np.int64)
    names = no["concept"].combine_chunks().dictionary_encode()
    concepts = [concept(name) for name in names.dictionary.to_pylist()]
    return place, names.indices.to_numpy().astype(np.int64), concepts


def _number(shown: Ints, others: Iterable[Concept]) -> tuple[Ints, Concepts]:
    """Give the list of each thing by its number in the shard, and all concepts with the others."""
    used, listed = np.unique(shown, return_inverse=True)
    known = list(_LISTS)
    lists = [known[number] for number in used.tolist()]
    single = dict.fromkeys([*(one for shown in lists for one in shown), *others])
    everything = dict.fromkeys([*single, *(above for one in single for above in one.ancestors)])
    number = {one: place for place, one in enumerate(everything)}
    is_a = np.eye(len(number), dtype=bool)
    for one, place in number.items():
        is_a[place, [number[above] for above in one.ancestors]] = True
    shows, attributes = np.zeros((2, len(lists), len(number)), bool)
    for row, concepts in enumerate(lists):
        for one in concepts:
            if is_thing(one):
                shows[row] |= is_a[number[one]]
            else:
                attributes[row, number[one]] = True
    lead = np.array([number[concepts[0]] for concepts in lists], np.int64)
    return listed, Concepts(tuple(number), lead, shows, attributes, is_a)


def _in_pixels(metres: Geometries, image: Ints, sides: Floats, sizes: Ints) -> Geometries:
    """Give the parts of geometries in tiles, in pixels from the top left corner."""
    parts = clip_to_boxes(metres, image, sides)
    points, owner = shapely.get_coordinates(parts, return_index=True)
    scale = np.column_stack([sides[:, 2] - sides[:, 0], sides[:, 3] - sides[:, 1]]) / sizes
    corner, scale = sides[image[owner]], scale[image[owner]]
    points[:, 0] = (points[:, 0] - corner[:, 0]) / scale[:, 0]
    points[:, 1] = (corner[:, 3] - points[:, 1]) / scale[:, 1]
    return _valid(shapely.set_coordinates(parts, points))


def _valid(geometries: Geometries) -> Geometries:
    wrong = ~shapely.is_valid(geometries)
    geometries[wrong] = shapely.make_valid(geometries[wrong])
    return geometries
