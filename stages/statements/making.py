"""Makes the scenes of a shard: the geometry of the visible objects of its images, in pixels."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import shapely

from pipeline.schema import STATUS_OK
from skyscript.captions.object_names import is_thing, things_of
from skyscript.geo.nearby import Near, pairs_near
from skyscript.geo.tile import Box, project
from skyscript.osm.tags import Tags, distinct_tags
from stages.statements.edges import REACH, are_at_edges, may_be_at_edges
from stages.statements.scenes import Concepts, Geometries, Ints, Scenes
from stages.statements.tiles import Tiles
from tag_vocab import Concept, concept, concepts_of
from tag_vocab.concepts_of import Kind

_Shown = tuple[Concept, ...]
_COLUMNS = ("object_id", "kind", "geometry", "tags", *Box._fields)


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
    tiles = Tiles.of(rows)
    things = _things(rows, pairs_near(objects, tiles.widened(REACH), _COLUMNS), tiles)
    lacking, absent, of_absent = _absent(rows["object_id"], truth)
    listed, concepts = _number(np.append(things.shown, things.edge_shown), of_absent)
    listed, edge_listed = np.split(listed, [len(things.shown)])
    number = {one: place for place, one in enumerate(concepts.all)}
    return Scenes(
        images=rows["object_id"].to_pylist(),
        width=tiles.sizes[:, 0],
        height=tiles.sizes[:, 1],
        metres=tiles.metres,
        is_complete=np.array(pc.fill_null(rows["surroundings_complete"], False).to_pylist(), bool),
        latitude=(tiles.degrees[:, 1] + tiles.degrees[:, 3]) / 2,
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
    ids: pa.StringArray
    shown: Ints
    """The number of the list of concepts, as in `_number_of`."""
    geometry: Geometries
    edge_image: Ints
    edge_shown: Ints


def _things(rows: pa.Table, near: Near, tiles: Tiles) -> _Things:
    image, ids, shown = _shown(rows)
    place = pc.index_in(ids, near.objects["object_id"].combine_chunks())
    known = pc.is_valid(place).to_numpy(zero_copy_only=False)
    place = pc.fill_null(place, 0).to_numpy().astype(np.int64)
    edges = may_be_at_edges(near, tiles, (image[known], place[known]))
    edge_shown = _shown_by(near.objects, edges.row)
    edges, edge_shown = edges.take(edge_shown >= 0), edge_shown[edge_shown >= 0]
    kept = np.flatnonzero(known & (shown >= 0))
    metres = _in_metres(near.objects, np.append(place[kept], edges.row))
    at_edge = are_at_edges(metres[len(kept) :], edges, tiles)
    geometry = tiles.cut(metres[: len(kept)], image[kept])
    some = ~shapely.is_empty(geometry)
    kept = kept[some]
    return _Things(
        image[kept],
        ids.take(pa.array(kept)),
        shown[kept],
        geometry[some],
        edges.image[at_edge],
        edge_shown[at_edge],
    )


def _in_metres(objects: pa.Table, these: Ints) -> Geometries:
    """Give the geometries of the given objects in EPSG:3857."""
    used, of = np.unique(these, return_inverse=True)
    wkb = objects["geometry"].take(pa.array(used)).to_numpy(zero_copy_only=False)
    shapes: Geometries = shapely.from_wkb(wkb)
    return shapely.set_coordinates(shapes, project(shapely.get_coordinates(shapes)))[of]


def _shown_by(objects: pa.Table, these: Ints) -> Ints:
    """Give the numbers of the lists of concepts of some objects, by all their tags."""
    used, of = np.unique(these, return_inverse=True)
    some = objects.select(["object_id", "tags"]).take(pa.array(used)).combine_chunks()
    return _numbers_of(some["tags"].chunk(0), some["object_id"].chunk(0))[of]


def _shown(rows: pa.Table) -> tuple[Ints, pa.Array, Ints]:
    """Give the images of the objects, their ids and what they show, each image's focus first."""
    around = pc.list_flatten(rows["surrounding"].combine_chunks())
    counts = pc.list_value_length(rows["surrounding"]).to_numpy().astype(np.int64)
    ids, tags = (
        pa.concat_arrays([rows[own].combine_chunks(), pc.struct_field(around, of)])
        for own, of in (("object_id", "object_id"), ("center_tags", "tags"))
    )
    image = np.concatenate([np.arange(len(counts)), np.repeat(np.arange(len(counts)), counts)])
    order = np.argsort(image, kind="stable")
    return image[order], ids.take(pa.array(order)), _numbers_of(tags, ids)[order]


def _numbers_of(tags: pa.MapArray, ids: pa.StringArray) -> Ints:
    """Give the number of the list of concepts that each object shows; -1 if it shows no thing."""
    distinct, number = distinct_tags(tags)
    letter = pc.utf8_slice_codeunits(ids, 0, 1).dictionary_encode()
    letters = letter.dictionary.to_pylist()
    key = number * len(letters) + letter.indices.to_numpy()
    used, of = np.unique(key, return_inverse=True)
    found = [_number_of(distinct[one // len(letters)], letters[one % len(letters)]) for one in used]
    return np.array(found, np.int64)[of]


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
    """Give the list of each thing by its number in the shard, and all concepts with the others.

    Concepts are numbered by name: the numbers of lists depend on what this process made before.
    """
    used, listed = np.unique(shown, return_inverse=True)
    known = list(_LISTS)
    lists = [known[number] for number in used.tolist()]
    single = {*(one for shown in lists for one in shown), *others}
    everything = {*single, *(above for one in single for above in one.ancestors)}
    by_name = sorted(everything, key=lambda one: one.name)
    number = {one: place for place, one in enumerate(by_name)}
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
