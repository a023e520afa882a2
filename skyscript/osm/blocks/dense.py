"""Decodes dense nodes, whose ids, places, dates and tags are columns of differences."""

from __future__ import annotations

import numpy as np

from skyscript.osm.blocks.objects import (
    CHANGED,
    ID,
    PART_END,
    TAG_END,
    VERSION,
    WANTED,
    add_tag,
    date,
    degrees,
    is_wanted,
    next_id,
    version,
)
from skyscript.osm.blocks.protobuf import Bytes, Ints, count, fields, jit, signed, varint
from skyscript.osm.blocks.texts import Texts

_WIRES = np.array([-1, 2, -1, -1, -1, 2, -1, -1, 2, 2, 2], dtype=np.int64)
_INFO_WIRES = np.array([-1, 2, 2, 2, 2, 2, 2, -1, -1, -1, -1], dtype=np.int64)


@jit
def count_dense(buffer: Bytes, start: int, end: int, texts: int) -> tuple[int, int]:
    """Count the nodes, and the numbers that tell their tags.

    Refuses columns that are not as long as the ids, deleted nodes, and users that are not among
    ``texts`` strings.
    """
    found = np.zeros((11, 3), dtype=np.int64)
    info = np.zeros((11, 3), dtype=np.int64)
    fields(buffer, start, end, _WIRES, found)
    total = count(buffer, found[1, 1], found[1, 2])
    for column in (8, 9):
        if count(buffer, found[column, 1], found[column, 2]) != total:
            raise ValueError("columns of nodes of different lengths")
    fields(buffer, found[5, 1], found[5, 2], _INFO_WIRES, info)
    for column in range(1, 7):
        if info[column, 0] and count(buffer, info[column, 1], info[column, 2]) != total:
            raise ValueError("columns of nodes of different lengths")
    for at in range(info[6, 1], info[6, 2]):
        if buffer[at] != 1:
            raise NotImplementedError("a deleted object")
    _require_range(buffer, info[3, 1], info[3, 2], 1 << 62)
    _require_range(buffer, info[5, 1], info[5, 2], texts)
    return total, count(buffer, found[10, 1], found[10, 2])


@jit
def _require_range(buffer: Bytes, at: int, end: int, limit: int) -> None:
    """Refuse a column of differences whose sum leaves the range from 0 to ``limit``."""
    total = 0
    while at < end:
        step, at = varint(buffer, at)
        total += signed(step)
        if total < 0 or total >= limit:
            raise ValueError("a changeset or user out of range")


@jit
def dense_places(buffer: Bytes, start: int, end: int, grid: Ints, ids: Ints, places: Ints) -> None:
    """Decode the ids and places of all nodes."""
    found = np.zeros((11, 3), dtype=np.int64)
    fields(buffer, start, end, _WIRES, found)
    id_at, lat_at, lon_at = found[1, 1], found[8, 1], found[9, 1]
    node_id, last, lat, lon = 0, 0, 0, 0
    for row in range(len(ids)):
        step, id_at = varint(buffer, id_at)
        node_id += signed(step)
        last = next_id(node_id, last)
        step, lat_at = varint(buffer, lat_at)
        lat += signed(step)
        step, lon_at = varint(buffer, lon_at)
        lon += signed(step)
        ids[row] = node_id
        places[row, 0] = degrees(lon, grid[0], grid[2])
        places[row, 1] = degrees(lat, grid[0], grid[1])


@jit
def dense_rows(
    buffer: Bytes,
    start: int,
    end: int,
    grid: Ints,
    texts: Texts,
    ids: Ints,
    heads: Ints,
    tags: Ints,
) -> tuple[int, int]:
    """Decode version, date and tags, and keep the nodes that have one of the keys."""
    found = np.zeros((11, 3), dtype=np.int64)
    info = np.zeros((11, 3), dtype=np.int64)
    fields(buffer, start, end, _WIRES, found)
    fields(buffer, found[5, 1], found[5, 2], _INFO_WIRES, info)
    tag_at, tag_stop = found[10, 1], found[10, 2]
    version_at, date_at = info[1, 1], info[2, 1]
    rows, tag_end, when, which = 0, 0, 0, 0
    for row in range(len(ids)):
        if info[1, 0]:
            which, version_at = varint(buffer, version_at)
        if info[2, 0]:
            step, date_at = varint(buffer, date_at)
            when += signed(step)
        last = tag_end
        while tag_at < tag_stop:
            key, tag_at = varint(buffer, tag_at)
            if key == 0:
                break
            if tag_at >= tag_stop:
                raise ValueError("a key without a value")
            value, tag_at = varint(buffer, tag_at)
            last = add_tag(key, value, buffer, texts, tags, tag_end, last)
        head = heads[rows]
        head[VERSION] = version(which)
        head[CHANGED] = date(when, grid[3])
        if is_wanted(tags, tag_end, last, texts[2]):
            tag_end = last
            head[ID] = ids[row]
            head[WANTED] = 1
            head[TAG_END] = tag_end
            head[PART_END] = row
            rows += 1
    return rows, tag_end
