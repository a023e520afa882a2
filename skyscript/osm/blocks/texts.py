"""The strings of a block: which of them are wanted keys, and which are equal."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from skyscript.osm.blocks.protobuf import Bytes, Ints, jit

Texts = Any
"""Start and end of each string, its hash, and whether it is a wanted key."""


class Keys(NamedTuple):
    """The wanted keys, sorted by hash."""

    buffer: Bytes
    spans: Ints
    hashes: Ints

    @classmethod
    def of(cls, keys: Collection[str]) -> Keys:
        """Hash the keys."""
        texts = sorted(key.encode() for key in keys)
        buffer = np.frombuffer(b"".join(texts) + b"\0", dtype=np.uint8)
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        spans = np.column_stack([np.r_[np.int64(0), ends[:-1]], ends])
        hashes = np.empty(len(texts), dtype=np.int64)
        hash_all(buffer, spans, hashes)
        order = np.argsort(hashes)
        return cls(buffer, np.ascontiguousarray(spans[order]), hashes[order])


def look_up(buffer: Bytes, spans: Ints, keys: Keys) -> Texts:
    """Hash the strings of a block and mark the wanted keys."""
    hashes = np.empty(len(spans), dtype=np.int64)
    hash_all(buffer, spans, hashes)
    wanted = np.zeros(len(spans), dtype=np.uint8)
    _mark(buffer, spans, hashes, *keys, wanted)
    return spans, hashes, wanted


@jit
def hash_all(buffer: Bytes, spans: Ints, hashes: Ints) -> None:
    """Write the hash (FNV-1a) of each string."""
    for text in range(len(spans)):
        value = np.int64(-3750763034362895579)
        for at in range(spans[text, 0], spans[text, 1]):
            value = (value ^ np.int64(buffer[at])) * np.int64(1099511628211)
        hashes[text] = value


@jit
def is_same_text(buffer: Bytes, spans: Ints, one: int, other: int) -> bool:
    """Compare two strings of a block."""
    return _equal(buffer, spans[one, 0], spans[one, 1], buffer, spans[other, 0], spans[other, 1])


@jit
def _equal(a: Bytes, a_at: int, a_end: int, b: Bytes, b_at: int, b_end: int) -> bool:
    if a_end - a_at != b_end - b_at:
        return False
    different = 0
    for step in range(a_end - a_at):
        different |= a[a_at + step] ^ b[b_at + step]
    return different == 0


@jit
def _mark(
    buffer: Bytes,
    spans: Ints,
    hashes: Ints,
    key_buffer: Bytes,
    key_spans: Ints,
    key_hashes: Ints,
    wanted: Bytes,
) -> None:
    for text in range(len(spans)):
        at = np.searchsorted(key_hashes, hashes[text])
        while at < len(key_hashes) and key_hashes[at] == hashes[text]:
            if _equal(
                buffer,
                spans[text, 0],
                spans[text, 1],
                key_buffer,
                key_spans[at, 0],
                key_spans[at, 1],
            ):
                wanted[text] = 1
            at += 1
