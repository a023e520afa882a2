"""A file to append to piece by piece, on a disk or in a bucket."""

from __future__ import annotations

import os
from typing import Protocol

from pipeline.bucket import BucketPath
from pipeline.storage import Place

_PIECES = 32
"""Pieces after which an object is written. A process that is killed loses at most this number."""


class Appended(Protocol):
    """A file that only grows; a piece is there whole or, after a kill, in part or not at all."""

    def write(self, piece: bytes) -> None:
        """Append some bytes."""

    def close(self) -> None:
        """End the file."""


def open_to_append(path: Place) -> Appended:
    """Open a file to append to it. In a bucket, only this process may then write it."""
    return _Object(path) if isinstance(path, BucketPath) else _File(path)


class _File:
    """A file on a disk: a piece is one write of the system, so several processes may append."""

    def __init__(self, path: os.PathLike[str]) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, piece: bytes) -> None:
        os.write(self._file, piece)

    def close(self) -> None:
        os.close(self._file)


class _Object:
    """An object, which cannot grow: it is written again every `_PIECES` pieces."""

    def __init__(self, place: BucketPath) -> None:
        self._place = place
        self._content = place.read_bytes() if place.is_file() else b""
        self._waiting = 0

    def write(self, piece: bytes) -> None:
        self._content += piece
        self._waiting += 1
        if self._waiting == _PIECES:
            self._put()

    def close(self) -> None:
        if self._waiting:
            self._put()

    def _put(self) -> None:
        self._place.write_bytes(self._content)
        self._waiting = 0
