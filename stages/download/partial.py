"""A file that is on its way: its bytes, and a journal of the pieces that are whole.

    _download/<key>.data      the file, at its full length from the start, holes where nothing is
              <key>.json      which edition of which file it is, in pieces of how many bytes
              <key>.pieces    a line for each piece that is whole: its number and its digest

A piece's line is written after its bytes. On the next run each piece is read and its digest
compared, so that neither a kill nor a power cut can leave a wrong byte in the file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from pipeline.atomic import storage, write_bytes


class Digest(Protocol):
    """What hashlib gives."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""

    def hexdigest(self) -> str:
        """Give the digest of what was taken in."""


def piece_digest() -> Digest:
    """Give the digest that a piece's bytes go through."""
    return hashlib.blake2b(digest_size=16)


class Partial:
    """The file of one artefact; pieces may be written from several threads."""

    def __init__(self, folder: Path, key: str) -> None:
        self.data = folder / f"{key}.data"
        self._about = folder / f"{key}.json"
        self._pieces = folder / f"{key}.pieces"
        self._handle = -1
        self._size = self._piece = 0

    def begin(self, identity: dict[str, Any], size: int, piece: int) -> set[int]:
        """Open the file; give the pieces that are there, of this very edition and no other.

        An edition that nothing identifies but its size is begun anew.
        """
        self._size, self._piece = size, piece
        about = {**identity, "piece": piece}
        known = identity["etag"] or identity["modified"]
        same = known and self.data.exists() and self._load() == about
        with storage(self.data):
            self.data.parent.mkdir(parents=True, exist_ok=True)
            if not same:
                self.drop()
                write_bytes(self._about, json.dumps(about).encode())
            self._handle = os.open(self.data, os.O_RDWR | os.O_CREAT, 0o644)
            os.ftruncate(self._handle, size)
        whole = self._whole() if same else {}
        text = "".join(f"{number} {digest}\n" for number, digest in whole.items())
        write_bytes(self._pieces, text.encode())
        return set(whole)

    def begin_whole(self) -> None:
        """Open the file for a server that gives no pieces: nothing of it is ever kept."""
        with storage(self.data):
            self.data.parent.mkdir(parents=True, exist_ok=True)
            self.drop()
            self._handle = os.open(self.data, os.O_RDWR | os.O_CREAT, 0o644)

    def write(self, data: bytes, at: int) -> None:
        """Write bytes."""
        with storage(self.data):
            view = memoryview(data)
            while view:
                written = os.pwrite(self._handle, view, at)
                view, at = view[written:], at + written

    def declare(self, number: int, digest: str) -> None:
        """Say that a piece is whole: a line, in one write."""
        with storage(self._pieces):
            handle = os.open(self._pieces, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(handle, f"{number} {digest}\n".encode())
            finally:
                os.close(handle)

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def drop(self) -> None:
        """Forget all of it."""
        self.close()
        for path in (self.data, self._about, self._pieces):
            path.unlink(missing_ok=True)

    def forget_journal(self) -> None:
        """Leave only the bytes, which are somebody else's now."""
        self._about.unlink(missing_ok=True)
        self._pieces.unlink(missing_ok=True)

    def held(self) -> int:
        """Give about how many bytes are on disk."""
        return self.data.stat().st_blocks * 512 if self.data.exists() else 0

    def _load(self) -> object:
        try:
            return json.loads(self._about.read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def _whole(self) -> dict[int, str]:
        """Read the journal; give the pieces whose bytes are what it says."""
        return {
            number: digest for number, digest in self._declared() if self._digest(number) == digest
        }

    def _declared(self) -> Iterator[tuple[int, str]]:
        try:
            lines = self._pieces.read_text("ascii").split("\n")[:-1]  # the last may be cut off
        except (FileNotFoundError, UnicodeDecodeError):
            return
        for line in lines:
            number, _, digest = line.partition(" ")
            if number.isdigit() and int(number) * self._piece < self._size:
                yield int(number), digest

    def _digest(self, number: int) -> str:
        digest = piece_digest()
        at, end = number * self._piece, min((number + 1) * self._piece, self._size)
        while at < end and (block := os.pread(self._handle, min(1 << 20, end - at), at)):
            digest.update(block)
            at += len(block)
        return digest.hexdigest()
