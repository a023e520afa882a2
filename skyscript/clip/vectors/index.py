"""An index over the files of a store: finds a key in constant time, whatever the number of files.

It is an open hash table in memory, of 30 to 60 bytes a key. Keys are digests, so their first bits
are the hash. All steps work on whole arrays of keys.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_EMPTY = np.uint32(0xFFFFFFFF)
_FIRST_BITS = 12
"""The smallest table has this power of two of slots."""

Halves = tuple[NDArray[np.uint64], NDArray[np.uint64]]
"""The first and the second eight bytes of each key, as numbers."""


class Places(NamedTuple):
    """Where keys are: the number of the file and the row in it; -1 for an unknown key."""

    file: NDArray[np.int32]
    row: NDArray[np.int32]


class KeyIndex:
    """The places of keys. Of equal keys, the one that was added first stays."""

    def __init__(self) -> None:
        self._bits = _FIRST_BITS
        self._slots = np.full(1 << self._bits, _EMPTY)
        """The number of the key in each slot."""
        self._count = 0
        self._keys = np.empty((2, 1 << self._bits - 1), np.uint64)
        self._places = np.empty((2, 1 << self._bits - 1), np.int32)

    def __len__(self) -> int:
        return self._count

    def find(self, keys: Halves) -> Places:
        """Look keys up; they may repeat."""
        numbers = self._find_numbers(keys)
        known = numbers != _EMPTY
        found = np.full((2, len(numbers)), -1, np.int32)
        found[:, known] = self._places[:, numbers[known]]
        return Places(*found)

    def add(self, keys: Halves, file: int) -> None:
        """Add the keys of a file, in the order of its rows; known keys stay as they are."""
        new = np.flatnonzero(self._find_numbers(keys) == _EMPTY)
        new = new[_first_of_equal(keys[0][new], keys[1][new])]
        self._grow(self._count + len(new))
        added = slice(self._count, self._count + len(new))
        self._keys[:, added] = keys[0][new], keys[1][new]
        self._places[0, added], self._places[1, added] = file, new
        self._count += len(new)
        self._insert(np.arange(added.start, added.stop, dtype=np.uint32))

    def _grow(self, count: int) -> None:
        """Make room for ``count`` keys; at most half of the slots are in use."""
        if count <= len(self._slots) // 2:
            return
        self._bits = int(2 * count - 1).bit_length()
        self._slots = np.full(1 << self._bits, _EMPTY)
        room = len(self._slots) // 2
        for name in ("_keys", "_places"):
            old = getattr(self, name)
            new = np.empty((2, room), old.dtype)
            new[:, : self._count] = old[:, : self._count]
            setattr(self, name, new)
        self._insert(np.arange(self._count, dtype=np.uint32))

    def _insert(self, numbers: NDArray[np.uint32]) -> None:
        """Put new keys into the next free slot from their own on."""
        slot = self._slot_of(self._keys[0, numbers])
        while len(numbers):
            free = self._slots[slot] == _EMPTY
            self._slots[slot[free]] = numbers[free]
            left = self._slots[slot] != numbers  # another key has the slot
            numbers, slot = numbers[left], self._next(slot[left])

    def _find_numbers(self, keys: Halves) -> NDArray[np.uint32]:
        """Give the number of each key, or `_EMPTY`."""
        found = np.full(len(keys[0]), _EMPTY)
        at = np.arange(len(found))
        slot = self._slot_of(keys[0])
        while len(at):
            number = self._slots[slot]
            used = number != _EMPTY
            at, slot, number = at[used], slot[used], number[used]
            same = (self._keys[0, number] == keys[0][at]) & (self._keys[1, number] == keys[1][at])
            found[at[same]] = number[same]
            at, slot = at[~same], self._next(slot[~same])
        return found

    def _slot_of(self, first: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (first >> np.uint64(64 - self._bits)).astype(np.int64)

    def _next(self, slot: NDArray[np.int64]) -> NDArray[np.int64]:
        return (slot + 1) & (len(self._slots) - 1)


def _first_of_equal(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Give the position of the first of each group of equal keys, ascending."""
    order = np.lexsort((second, first))  # stable: of equal keys, the first comes first
    a, b = first[order], second[order]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    found: NDArray[np.int64] = np.sort(order[fresh])
    return found
