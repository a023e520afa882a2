"""Puts area relations and their ways into a small PBF file, for libosmium's assembler.

The blobs of its ways may be written apart: the file is its header, these blobs and the relations.

Its ways carry the places of their nodes, so it needs no nodes, and its blocks are not compressed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

import numpy as np

from skyscript.osm.blocks.protobuf import Bytes, Int, Ints, jit

_REQUIRED, _OPTIONAL = b"OsmSchema-V0.6", b"LocationsOnWays"
"""The features of the file that its header names."""
_ROLES = ("", "outer", "inner")
RELATIONS_OF_BLOCK = 1000
MEMBERS_OF_BLOCK = 100_000
NODES_OF_BLOCK = 500_000


class AreaRelation(NamedTuple):
    """What the assembler must know of a relation."""

    osm_id: int
    type: str
    key: str
    """One of the wanted keys that it has."""
    ways: list[int]
    roles: list[str]


class Aside:
    """Takes ways, then relations, each in the order of their ids."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def header(self) -> None:
        """Write the header of a file."""
        self._blob(b"OSMHeader", _bytes(4, _REQUIRED) + _bytes(5, _OPTIONAL))

    def ways(self, ids: Ints, ends: Ints, refs: Ints, places: Ints) -> None:
        """Append ways with their nodes and the nodes' places."""
        starts = np.concatenate([np.zeros(1, np.int64), ends])
        first = 0
        while first < len(ids):
            # As many ways as have few nodes, but one at least.
            last = int(np.searchsorted(ends, starts[first] + NODES_OF_BLOCK, side="right"))
            last = max(last, first + 1)
            part = slice(starts[first], starts[last])
            nodes = part.stop - part.start
            room = np.empty(64 * (last - first) + 20 * nodes, dtype=np.uint8)
            own_ends = ends[first:last] - part.start
            size = _encode_ways(ids[first:last], own_ends, refs[part], places[part], room)
            self._block([b""], room[:size].tobytes())
            first = last

    def relations(self, found: Iterable[AreaRelation]) -> None:
        """Append relations; members that are no ways are left out."""
        texts: dict[str, int] = {text: index for index, text in enumerate(_ROLES)}
        group, members = [], 0
        for relation in found:
            group.append(_bytes(4, _encode_relation(relation, texts)))
            members += len(relation.ways)
            if len(group) >= RELATIONS_OF_BLOCK or members >= MEMBERS_OF_BLOCK:
                self._block([text.encode() for text in texts], b"".join(group))
                group, members = [], 0
        if group:
            self._block([text.encode() for text in texts], b"".join(group))

    def _block(self, texts: list[bytes], group: bytes) -> None:
        table = b"".join(_bytes(1, text) for text in texts)
        self._blob(b"OSMData", _bytes(1, table) + _bytes(2, group))

    def _blob(self, what: bytes, block: bytes) -> None:
        blob = _bytes(1, block)
        header = _bytes(1, what) + b"\x18" + _number(len(blob))
        self._file.write(len(header).to_bytes(4, "big") + header + blob)


def _encode_relation(relation: AreaRelation, texts: dict[str, int]) -> bytes:
    tags = {"type": relation.type, relation.key: "yes"}
    steps = np.diff(relation.ways, prepend=0).tolist()
    return b"".join(
        (
            b"\x08" + _number(relation.osm_id),
            _bytes(2, b"".join(_number(texts.setdefault(key, len(texts))) for key in tags)),
            _bytes(3, b"".join(_number(texts.setdefault(v, len(texts))) for v in tags.values())),
            _bytes(8, b"".join(_number(texts.get(role, 0)) for role in relation.roles)),
            _bytes(9, b"".join(_number((step << 1) ^ (step >> 63)) for step in steps)),
            _bytes(10, b"\x01" * len(relation.ways)),
        )
    )


def _number(value: int) -> bytes:
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _bytes(number: int, content: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(content)) + content


@jit
def _encode_ways(ids: Ints, ends: Ints, refs: Ints, places: Ints, out: Bytes) -> int:
    """Write way messages with nodes, latitudes and longitudes; give how many bytes they take."""
    room = np.empty(10 * (len(refs) + 1), dtype=np.uint8)
    at, start = 0, 0
    for way in range(len(ids)):
        end = ends[way]
        body = 1 + _size(ids[way])
        sizes: Ints = np.zeros(3, dtype=np.int64)
        for column in range(3):
            sizes[column] = _encode_column(column, start, end, refs, places, room, 0)
            body += 1 + _size(sizes[column]) + sizes[column]
        at = _put(3 << 3 | 2, out, at)
        at = _put(body, out, at)
        at = _put(1 << 3, out, at)
        at = _put(ids[way], out, at)
        for column in range(3):
            at = _put((8 + column) << 3 | 2, out, at)
            at = _put(sizes[column], out, at)
            at = _encode_column(column, start, end, refs, places, out, at)
        start = end
    return at


@jit
def _encode_column(
    column: int, start: int, end: int, refs: Ints, places: Ints, out: Bytes, at: int
) -> int:
    """Write ids (column 0), latitudes (1) or longitudes (2) of nodes as differences."""
    last = np.int64(0)
    for row in range(start, end):
        value: Int = refs[row] if column == 0 else np.int64(places[row, 2 - column])
        step = value - last
        last = value
        at = _put((step << 1) ^ (step >> 63), out, at)
    return at


@jit
def _size(value: int) -> int:
    size = 1
    while value < 0 or value > 127:
        value = (value >> 7) & 0x01FFFFFFFFFFFFFF
        size += 1
    return size


@jit
def _put(value: int, out: Bytes, at: int) -> int:
    while value < 0 or value > 127:
        out[at] = (value & 127) | 128
        value = (value >> 7) & 0x01FFFFFFFFFFFFFF
        at += 1
    out[at] = value
    return at + 1
