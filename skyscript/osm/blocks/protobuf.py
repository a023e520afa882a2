"""Reads the fields of protobuf messages, compiled by numba.

A message is a range of bytes in a buffer that has `PADDING` zero bytes behind its end. A read
starts before the end of its range and takes at most two varints, so it never leaves the padding;
what lies over the end of its range is found afterwards.

All compiled functions of this package raise `ValueError` for bytes that no PBF file may hold, and
`NotImplementedError` for what libosmium may read, and they do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

Int = Any
"""A number of 64 bits."""
Ints = Any
"""A NumPy array of int64 or int32."""
Bytes = Any
"""A NumPy array of uint8."""

PADDING = 32
"""Bytes behind a message: two varints of at most ten bytes, and some."""
VARINT, BYTES = 0, 2
"""Wire types."""
SLOTS = 11
"""Field numbers of OSM's messages are smaller."""

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compile a function on its first call; it runs beside Python, and is kept on disk."""
    return cast("Function", numba.njit(nogil=True, cache=True)(function))


@jit
def varint(buffer: Bytes, at: int) -> tuple[Int, int]:
    """Give the number at a place, and the place behind it."""
    byte: Int = np.int64(buffer[at])
    if byte < 128:
        return byte, at + 1
    value = byte & 127
    for shift in range(7, 70, 7):
        at += 1
        byte = np.int64(buffer[at])
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at + 1
    raise ValueError("a number of more than ten bytes")


@jit
def signed(value: int) -> int:
    """Undo the zigzag code of ``sint``."""
    return ((value >> 1) & 0x7FFFFFFFFFFFFFFF) ^ -(value & 1)


@jit
def field(buffer: Bytes, at: int, end: int) -> tuple[Int, Int, Int, Int]:
    """Read a field: its key (number and wire type), two values, and the place behind it.

    The values are the number and 0, or the range of bytes.
    """
    key, at = varint(buffer, at)
    first: Int = np.int64(0)
    second: Int = np.int64(0)
    wire = key & 7
    if wire == VARINT:
        first, at = varint(buffer, at)
    elif wire == BYTES:
        length, first = varint(buffer, at)
        if length < 0 or length > end - first:
            raise ValueError("a length beyond the end of its message")
        second = first + length
        at = second
    elif wire == 1:
        at += 8
    elif wire == 5:
        at += 4
    else:
        raise ValueError("a field of no known type")
    if at > end:
        raise ValueError("a field beyond the end of its message")
    return key, first, second, at


@jit
def fields(buffer: Bytes, start: int, end: int, wires: Ints, found: Ints) -> None:
    """Read all fields of a message into rows of ``found``: whether it is there, and two values.

    ``wires`` has the wire type of each field number, -1 for one that is skipped; a field that comes
    with another one is refused.
    """
    found[:, 0] = 0
    found[:, 1] = 0
    found[:, 2] = 0
    at = start
    while at < end:
        key, first, second, at = field(buffer, at, end)
        number = key >> 3
        if 0 <= number < SLOTS and wires[number] >= 0:
            if wires[number] != key & 7:
                raise NotImplementedError("a field of another type than OSM's")
            found[number, 0] = 1
            found[number, 1] = first
            found[number, 2] = second


@jit
def count(buffer: Bytes, start: int, end: int) -> int:
    """Count the numbers of a packed field; the last one must be whole."""
    total = 0
    for at in range(start, end):
        total += buffer[at] < 128
    if end > start and buffer[end - 1] >= 128:
        raise ValueError("a number that is cut off")
    return total
