"""Takes a block of a PBF file apart: its strings, and where its nodes, ways and relations lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skyscript.osm.blocks.protobuf import PADDING, Bytes, Ints, field, jit

LONGEST_TEXT = 1024
"""Bytes of a string; libosmium refuses longer ones."""
NODE, DENSE, WAY, RELATION = 1, 2, 3, 4
"""Field numbers of a primitive group."""


class Block(NamedTuple):
    """A block, decompressed, and its table of contents."""

    buffer: Bytes
    """With `PADDING` zero bytes at its end."""
    strings: Ints
    """Start and end of each string."""
    items: Ints
    """What it is (`NODE` ...), start and end, for each object or set of dense nodes."""
    grid: Ints
    """Granularity, offset of latitude and of longitude, granularity of dates."""

    def has(self, *kinds: int) -> bool:
        """Say whether there is anything of these kinds."""
        return bool(np.isin(self.items[:, 0], kinds).any())


def take_apart(data: bytes) -> Block:
    """Find the contents of a block; raises `ValueError` if it is damaged."""
    buffer = np.frombuffer(data + bytes(PADDING), dtype=np.uint8)
    end = len(data)
    grid = np.array([100, 0, 0, 1000], dtype=np.int64)
    texts, objects = _contents(buffer, end, grid, np.empty((0, 2), np.int64), _NOTHING)
    strings = np.empty((texts, 2), dtype=np.int64)
    items = np.empty((objects, 3), dtype=np.int64)
    _contents(buffer, end, grid, strings, items)
    if (strings[:, 1] - strings[:, 0]).max(initial=0) > LONGEST_TEXT:
        raise ValueError("a string that is too long")
    return Block(buffer, strings, items, grid)


_NOTHING = np.empty((0, 3), np.int64)


@jit
def _contents(buffer: Bytes, end: int, grid: Ints, strings: Ints, items: Ints) -> tuple[int, int]:
    """Count the strings and the objects; write where they are as far as there is room."""
    texts, objects, tables, at = 0, 0, 0, 0
    while at < end:
        key, first, second, at = field(buffer, at, end)
        if key == 10:  # the string table
            tables += 1
            inner = first
            while inner < second:
                text, start, stop, inner = field(buffer, inner, second)
                if text != 10:
                    raise ValueError("no string in a table of strings")
                if texts < len(strings):
                    strings[texts, 0] = start
                    strings[texts, 1] = stop
                texts += 1
        elif key == 18:  # a group of objects
            inner = first
            while inner < second:
                what, start, stop, inner = field(buffer, inner, second)
                if what & 7 != 2:
                    raise ValueError("an object that is no message")
                if objects < len(items):
                    items[objects, 0] = what >> 3
                    items[objects, 1] = start
                    items[objects, 2] = stop
                objects += 1
        elif key == 17 << 3:
            grid[0] = first
        elif key == 19 << 3:
            grid[1] = first
        elif key == 20 << 3:
            grid[2] = first
        elif key == 18 << 3:
            grid[3] = first
    if tables != 1:
        raise ValueError("not one table of strings")
    return texts, objects
