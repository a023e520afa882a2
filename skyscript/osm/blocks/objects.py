"""Decodes the nodes, ways and relations of a block into columns, compiled by numba.

Each decoder checks that ids rise and are positive, and writes a row of `HEAD` values for each
object that is kept. Every index into the table of strings is tested.
"""

from __future__ import annotations

import numpy as np

from skyscript.osm.blocks.protobuf import (
    Bytes,
    Ints,
    fields,
    jit,
    signed,
    varint,
)
from skyscript.osm.blocks.texts import Texts, is_same_text

ID, VERSION, CHANGED, WANTED, MEMBER, TAG_END, PART_END = range(7)
"""Columns of a row: id, version, seconds since 1970, whether it has one of the keys, whether it is
part of an area relation, and the ends of its tags and of its nodes or members."""
HEAD = 7

MOST_TAGS = 1000
"""Tags of an object; its tags are compared with each other."""
MOST_ID = 1 << 35
"""About three times the largest id of a node today."""
_DATES_END = 1 << 32

_OBJECT = np.array([-1, 0, 2, 2, 2, -1, -1, -1, -1, -1, -1], dtype=np.int64)
NODE_WIRES = _OBJECT.copy()
NODE_WIRES[8:10] = 0
WAY_WIRES = _OBJECT.copy()
WAY_WIRES[8] = 2
RELATION_WIRES = _OBJECT.copy()
RELATION_WIRES[8:11] = 2
INFO_WIRES = np.array([-1, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1], dtype=np.int64)


@jit
def degrees(value: int, granularity: int, offset: int) -> int:
    """Give a coordinate in units of 1e-7 degrees, rounded towards zero, as libosmium does."""
    if value > 1 << 40 or value < -(1 << 40):
        raise NotImplementedError("a coordinate far from the Earth")
    nano = value * granularity + offset
    unit = nano // 100 if nano >= 0 else -(-nano // 100)
    if unit > 0x7FFFFFFF or unit < -0x80000000:
        raise NotImplementedError("a coordinate far from the Earth")
    return unit


@jit
def date(value: int, granularity: int) -> int:
    """Give a date in seconds since 1970."""
    if value < 0 or value > 1 << 42 or value * granularity // 1000 >= _DATES_END:
        raise NotImplementedError("a date out of range")
    return value * granularity // 1000


@jit
def version(value: int) -> int:
    """Give a version that libosmium takes."""
    if value < 0 or value > 0x7FFFFFFF:
        raise NotImplementedError("a version out of range")
    return value


@jit
def _info(
    buffer: Bytes, start: int, end: int, grid: Ints, texts: Texts, found: Ints, head: Ints
) -> None:
    """Read version and date of an object; one that is deleted is refused."""
    fields(buffer, start, end, INFO_WIRES, found)
    if found[6, 0] and not found[6, 1]:
        raise NotImplementedError("a deleted object")
    if found[3, 1] < 0 or found[5, 1] < 0 or found[5, 1] >= max(len(texts[1]), 1):
        raise ValueError("a changeset or user out of range")
    head[VERSION] = version(found[1, 1])
    head[CHANGED] = date(found[2, 1], grid[3])


@jit
def add_tag(
    key: int, value: int, buffer: Bytes, texts: Texts, tags: Ints, first: int, end: int
) -> int:
    """Append a tag; a key that is there already keeps its place and gets the new value."""
    spans, hashes, _ = texts
    if key < 0 or value < 0 or key >= len(hashes) or value >= len(hashes):
        raise ValueError("an index beyond the table of strings")
    for other in range(first, end):
        if hashes[tags[other, 0]] == hashes[key]:
            if not is_same_text(buffer, spans, tags[other, 0], key):
                raise NotImplementedError("two keys of one hash")
            tags[other, 1] = value
            return end
    if end - first >= MOST_TAGS:
        raise NotImplementedError("an object of very many tags")
    tags[end, 0] = key
    tags[end, 1] = value
    return end + 1


@jit
def _tags(buffer: Bytes, found: Ints, texts: Texts, tags: Ints, end: int) -> int:
    """Append the tags of an object (fields 2 and 3); give where they end."""
    key_at, key_end, value_at, value_end = found[2, 1], found[2, 2], found[3, 1], found[3, 2]
    first = end
    while key_at < key_end and value_at < value_end:
        key, key_at = varint(buffer, key_at)
        value, value_at = varint(buffer, value_at)
        end = add_tag(key, value, buffer, texts, tags, first, end)
    if key_at != key_end or value_at != value_end:
        raise ValueError("keys and values of an object differ in number")
    return end


@jit
def is_wanted(tags: Ints, first: int, end: int, flags: Ints) -> bool:
    """Say whether one of the tags has a wanted key."""
    wanted = False
    for tag in range(first, end):
        wanted = wanted or flags[tags[tag, 0]] != 0
    return wanted


@jit
def next_id(value: int, last: int) -> int:
    """Give an id that must be greater than the last one."""
    if value <= last or value >= MOST_ID:
        raise NotImplementedError("ids that do not rise from 1 on")
    return value


@jit
def _is_member(value: int, members: Ints) -> bool:
    at = np.searchsorted(members, value)
    return bool(at < len(members) and members[at] == value)


@jit
def ways(
    buffer: Bytes,
    items: Ints,
    grid: Ints,
    texts: Texts,
    members: Ints,
    heads: Ints,
    tags: Ints,
    refs: Ints,
    bounds: Ints,
) -> tuple[int, int, int]:
    """Decode the ways that have one of the keys or are ``members``; give rows, tags and nodes."""
    found = np.zeros((11, 3), dtype=np.int64)
    rows, tag_end, ref_end, last = 0, 0, 0, 0
    for item in range(len(items)):
        fields(buffer, items[item, 1], items[item, 2], WAY_WIRES, found)
        last = next_id(found[1, 1], last)
        bounds[1] = last
        if item == 0:
            bounds[0] = last
        ref_at, ref_stop = found[8, 1], found[8, 2]
        end = _tags(buffer, found, texts, tags, tag_end)
        wanted, member = is_wanted(tags, tag_end, end, texts[2]), _is_member(last, members)
        head = heads[rows]
        head[ID] = last
        _info(buffer, found[4, 1], found[4, 2], grid, texts, found, head)
        ref, ref_last = 0, ref_end
        while ref_at < ref_stop:
            step, ref_at = varint(buffer, ref_at)
            ref += signed(step)
            refs[ref_last] = ref
            ref_last += 1
        if ref_at != ref_stop:
            raise ValueError("a number that is cut off")
        if not (wanted or member):
            continue
        tag_end, ref_end = end, ref_last
        head[WANTED] = wanted
        head[MEMBER] = member
        head[TAG_END] = tag_end
        head[PART_END] = ref_end
        rows += 1
    return rows, tag_end, ref_end


@jit
def relations(
    buffer: Bytes,
    items: Ints,
    grid: Ints,
    texts: Texts,
    heads: Ints,
    tags: Ints,
    members: Ints,
    bounds: Ints,
) -> tuple[int, int, int]:
    """Decode the relations that have one of the keys; a member is its type, id and role."""
    found = np.zeros((11, 3), dtype=np.int64)
    rows, tag_end, member_end, last = 0, 0, 0, 0
    for item in range(len(items)):
        fields(buffer, items[item, 1], items[item, 2], RELATION_WIRES, found)
        last = next_id(found[1, 1], last)
        bounds[1] = last
        if item == 0:
            bounds[0] = last
        end = _tags(buffer, found, texts, tags, tag_end)
        ref_at, type_at, role_at = found[9, 1], found[10, 1], found[8, 1]
        ref_stop, type_stop, role_stop = found[9, 2], found[10, 2], found[8, 2]
        head = heads[rows]
        head[ID] = last
        _info(buffer, found[4, 1], found[4, 2], grid, texts, found, head)
        ref, member_last = 0, member_end
        while ref_at < ref_stop and type_at < type_stop and role_at < role_stop:
            step, ref_at = varint(buffer, ref_at)
            kind, type_at = varint(buffer, type_at)
            role, role_at = varint(buffer, role_at)
            ref += signed(step)
            if kind < 0 or kind > 2 or role < 0 or role >= len(texts[1]):
                raise ValueError("a member of no known type or role")
            members[member_last, 0] = kind
            members[member_last, 1] = ref
            members[member_last, 2] = role
            member_last += 1
        if ref_at != ref_stop or type_at != type_stop or role_at != role_stop:
            raise ValueError("members of a relation that are cut off")
        if not is_wanted(tags, tag_end, end, texts[2]):
            continue
        tag_end, member_end = end, member_last
        head[WANTED] = 1
        head[MEMBER] = 0
        head[TAG_END] = tag_end
        head[PART_END] = member_end
        rows += 1
    return rows, tag_end, member_end


@jit
def nodes(
    buffer: Bytes,
    items: Ints,
    grid: Ints,
    texts: Texts,
    ids: Ints,
    places: Ints,
    heads: Ints,
    tags: Ints,
) -> tuple[int, int]:
    """Decode single nodes: the place of all, and rows of those that have one of the keys.

    ``PART_END`` of a row is the node's number in ``ids``.
    """
    found = np.zeros((11, 3), dtype=np.int64)
    rows, tag_end, last = 0, 0, 0
    for item in range(len(items)):
        fields(buffer, items[item, 1], items[item, 2], NODE_WIRES, found)
        last = next_id(signed(found[1, 1]), last)
        if not (found[8, 0] and found[9, 0]):
            raise ValueError("a node without a place")
        ids[item] = last
        places[item, 0] = degrees(signed(found[9, 1]), grid[0], grid[2])
        places[item, 1] = degrees(signed(found[8, 1]), grid[0], grid[1])
        end = _tags(buffer, found, texts, tags, tag_end)
        head = heads[rows]
        head[ID] = last
        _info(buffer, found[4, 1], found[4, 2], grid, texts, found, head)
        if is_wanted(tags, tag_end, end, texts[2]):
            tag_end = end
            head[WANTED] = 1
            head[TAG_END] = tag_end
            head[PART_END] = item
            rows += 1
    return rows, tag_end
