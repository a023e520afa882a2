"""The objects of a block as columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyscript.osm.blocks.block import DENSE, NODE, RELATION, WAY, Block
from skyscript.osm.blocks.dense import count_dense, dense_places, dense_rows
from skyscript.osm.blocks.objects import (
    CHANGED,
    HEAD,
    ID,
    MEMBER,
    PART_END,
    TAG_END,
    VERSION,
    WANTED,
    nodes,
    relations,
    ways,
)
from skyscript.osm.blocks.protobuf import Bytes, Ints, jit
from skyscript.osm.blocks.texts import Keys, Texts, look_up
from skyscript.osm.file import AREA_RELATIONS

_NONE = pa.array([], pa.string())


class Objects(NamedTuple):
    """Objects of one type; all columns are as long, tags are flat."""

    ids: Ints
    versions: Ints
    """0 where it is not known."""
    changed: Ints
    """Seconds since 1970, 0 where it is not known."""
    tag_ends: Ints
    tag_numbers: Ints
    """Key and value of each tag as numbers; equal numbers are equal texts."""
    keys: pa.StringArray
    values: pa.StringArray


class Nodes(NamedTuple):
    """All nodes of a block, and those that have one of the keys."""

    ids: Ints
    places: Ints
    """Longitude and latitude of all nodes, in 1e-7 degrees."""
    wanted: Objects
    rows: Ints
    """Which of all nodes the wanted ones are."""


class Parts(NamedTuple):
    """Ways with their nodes or relations with their members, if they are wanted or part of one."""

    objects: Objects
    is_wanted: Ints
    is_member: Ints
    ends: Ints
    parts: Ints
    """Ids of nodes; or type (0 node, 1 way, 2 relation) and id of members."""
    bounds: tuple[int, int]
    """The first and last id of all ways or relations of the block."""
    roles: pa.StringArray
    """The roles of the members; empty for ways."""


def nodes_of(block: Block, keys: Keys) -> Nodes:
    """Decode the nodes of a block, dense or not."""
    texts = look_up(block.buffer, block.strings, keys)
    single = block.items[block.items[:, 0] == NODE]
    dense = block.items[block.items[:, 0] == DENSE]
    if len(single) and len(dense):
        raise NotImplementedError("dense and other nodes in one block")
    if len(dense):
        return _dense(block, dense, texts)
    ids = np.empty(len(single), np.int64)
    places = np.empty((len(single), 2), np.int32)
    heads, tags = _room(len(single), len(block.buffer))
    rows, tag_end = nodes(block.buffer, single, block.grid, texts, ids, places, heads, tags)
    found = heads[:rows]
    return Nodes(ids, places, _objects(block, found, tags[:tag_end]), found[:, PART_END].copy())


def _dense(block: Block, items: Ints, texts: Texts) -> Nodes:
    sizes = [count_dense(block.buffer, start, end, len(block.strings)) for _, start, end in items]
    total, numbers = (sum(column) for column in zip(*sizes, strict=True))
    ids, places = np.empty(total, np.int64), np.empty((total, 2), np.int32)
    heads, tags = _room(total, numbers // 2 + 1)
    first, row, tag = 0, 0, 0
    for (_, start, end), (size, _) in zip(items, sizes, strict=True):
        own = slice(first, first + size)
        dense_places(block.buffer, start, end, block.grid, ids[own], places[own])
        rows, tag_end = dense_rows(
            block.buffer, start, end, block.grid, texts, ids[own], heads[row:], tags[tag:]
        )
        heads[row : row + rows, PART_END] += first
        heads[row : row + rows, TAG_END] += tag
        first, row, tag = first + size, row + rows, tag + tag_end
    return Nodes(
        ids, places, _objects(block, heads[:row], tags[:tag]), heads[:row, PART_END].copy()
    )


def ways_of(block: Block, keys: Keys, members: Ints) -> Parts:
    """Decode the ways of a block that have one of the keys or are among ``members``."""
    texts = look_up(block.buffer, block.strings, keys)
    items = block.items[block.items[:, 0] == WAY]
    heads, tags = _room(len(items), len(block.buffer))
    bounds, refs = np.zeros(2, np.int64), np.empty(len(block.buffer), np.int64)
    rows, tag_end, end = ways(
        block.buffer, items, block.grid, texts, members, heads, tags, refs, bounds
    )
    return _parts(block, heads[:rows], tags[:tag_end], refs[:end], bounds)


def relations_of(block: Block, keys: Keys) -> Parts:
    """Decode the relations of a block that have one of the keys."""
    texts = look_up(block.buffer, block.strings, keys)
    items = block.items[block.items[:, 0] == RELATION]
    heads, tags = _room(len(items), len(block.buffer))
    bounds, members = np.zeros(2, np.int64), np.empty((len(block.buffer), 3), np.int64)
    rows, tag_end, end = relations(
        block.buffer, items, block.grid, texts, heads, tags, members, bounds
    )
    roles = texts_of(block, np.ascontiguousarray(members[:end, 2]))
    return _parts(block, heads[:rows], tags[:tag_end], members[:end, :2], bounds, roles)


def member_ways(relations: Parts) -> Ints:
    """Give the ways that are members of area relations, sorted."""
    of_area = pc.and_(
        pc.equal(relations.objects.keys, "type"),
        pc.is_in(relations.objects.values, pa.array(sorted(AREA_RELATIONS))),
    )
    owners = np.repeat(
        np.arange(len(relations.ends)), np.diff(relations.objects.tag_ends, prepend=0)
    )
    is_area = np.zeros(len(relations.ends), dtype=bool)
    is_area[owners[of_area.to_numpy(zero_copy_only=False)]] = True
    keep = np.repeat(is_area, np.diff(relations.ends, prepend=0)) & (relations.parts[:, 0] == 1)
    return np.unique(relations.parts[keep, 1])


def texts_of(block: Block, numbers: Ints) -> pa.StringArray:
    """Give strings of a block by their numbers; they must be UTF-8 text."""
    offsets = np.zeros(len(numbers) + 1, dtype=np.int32)
    lengths = (block.strings[:, 1] - block.strings[:, 0])[numbers]
    np.cumsum(lengths, out=offsets[1:])
    data = np.empty(offsets[-1], dtype=np.uint8)
    _gather(block.buffer, block.strings, numbers, data)
    found = pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(data))
    try:
        found.validate(full=True)
    except ValueError as error:
        raise NotImplementedError("text that is not UTF-8") from error
    return found


def _room(objects: int, tags: int) -> tuple[Ints, Ints]:
    return np.empty((objects, HEAD), np.int64), np.empty((tags, 2), np.int64)


def _parts(
    block: Block,
    heads: Ints,
    tags: Ints,
    parts: Ints,
    bounds: Ints,
    roles: pa.StringArray = _NONE,
) -> Parts:
    return Parts(
        _objects(block, heads, tags),
        heads[:, WANTED].astype(bool),
        heads[:, MEMBER].astype(bool),
        heads[:, PART_END].copy(),
        parts.copy(),
        (int(bounds[0]), int(bounds[1])),
        roles,
    )


def _objects(block: Block, heads: Ints, tags: Ints) -> Objects:
    return Objects(
        heads[:, ID].copy(),
        heads[:, VERSION].copy(),
        heads[:, CHANGED].copy(),
        heads[:, TAG_END].copy(),
        tags.copy(),
        texts_of(block, np.ascontiguousarray(tags[:, 0])),
        texts_of(block, np.ascontiguousarray(tags[:, 1])),
    )


@jit
def _gather(buffer: Bytes, strings: Ints, numbers: Ints, out: Bytes) -> None:
    end = 0
    for row in range(len(numbers)):
        for at in range(strings[numbers[row], 0], strings[numbers[row], 1]):
            if buffer[at] == 0:
                raise NotImplementedError("a string with a zero byte")
            out[end] = buffer[at]
            end += 1
