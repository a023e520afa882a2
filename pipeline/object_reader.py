"""A file that is read by requests for pieces of an object."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from obstore import Bytes

_PIECE = 8 * 2**20
"""Bytes of a request that reads a part of an object."""


def read_in_pieces(read: Callable[[int, int], Bytes], size: int) -> io.BufferedReader:
    """Give an object of ``size`` bytes as a file; ``read`` gives its bytes from start to end."""
    return io.BufferedReader(_Pieces(read, size), _PIECE)


class _Pieces(io.RawIOBase):
    """An object, unbuffered."""

    def __init__(self, read: Callable[[int, int], Bytes], size: int) -> None:
        self._read, self._size, self._at = read, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        data = memoryview(self._read(self._at, end))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
