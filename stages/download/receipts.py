"""Receipts: the origin of each artefact, how it was verified, and the files that it contains.

A receipt is ``_download/<key>.jsonl``: a line about the artefact, then a line for each file.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

from pipeline.atomic import write_file
from pipeline.errors import RemoteError
from stages.download.catalogue import Artefact
from stages.download.config import MIB
from stages.download.server import WEB_PAGE, Edition
from stages.download.transfer import Tell

FOLDER = "_download"
_BLOCK = 8 * MIB
_HEAD = 1 << 10
_BLANK = b"\xef\xbb\xbf \t\r\n"
_EVERY = 256
"""Files between two reports of progress."""


class StoredFile(NamedTuple):
    """A file in the data root."""

    path: str
    """Relative to the data root."""
    size: int
    crc32: int


class Verified(NamedTuple):
    """The checksums of a file, and the value against which they were verified."""

    size: int
    crc32: int
    sha256: str
    verified_by: str


def verify(path: Path, edition: Edition, artefact: Artefact, tell: Tell) -> Verified:
    """Compare a file with the server's MD5, else with the published MD5, else with the size.

    The server's MD5 comes first because the file may be a later edition than the published one.
    Raises `RemoteError` if they differ.
    """
    size, done = path.stat().st_size, 0
    if edition.size not in {None, size}:
        raise RemoteError(
            f"{artefact.name}: {size:,} bytes were received, but the file has {edition.size:,}."
        )
    _refuse_page(path, artefact)
    sha256, md5, crc = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            md5.update(block)
            crc = zlib.crc32(block, crc)
            tell(done := done + len(block), size)
    for expected, whose in ((edition.md5, "the server's MD5"), (artefact.md5, "the published MD5")):
        if expected == md5.hexdigest():
            return Verified(size, crc, sha256.hexdigest(), whose)
        if expected is not None:
            raise RemoteError(
                f"{artefact.name}: the content is damaged: its MD5 checksum is {md5.hexdigest()}, "
                f"but {whose} is {expected}."
            )
    return Verified(size, crc, sha256.hexdigest(), "its size")


def _refuse_page(path: Path, artefact: Artefact) -> None:
    """Raise `RemoteError` for a web page, which some servers send under any content type."""
    with path.open("rb") as file:
        if file.read(_HEAD).lstrip(_BLANK).lower().startswith((b"<!doctype html", b"<html")):
            raise RemoteError(f"{artefact.name}: {WEB_PAGE}")


def crc32(file: IO[bytes]) -> int:
    """Compute the CRC-32 of an open file."""
    crc = 0
    while block := file.read(_BLOCK):
        crc = zlib.crc32(block, crc)
    return crc


class Receipts:
    """The receipts of a data root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / FOLDER

    def write(self, key: str, about: dict[str, str | None], files: Sequence[StoredFile]) -> None:
        """Write the receipt of an artefact."""
        first = {**about, "files": len(files), "bytes": sum(stored.size for stored in files)}

        def lines(path: Path) -> None:
            with path.open("w", encoding="ascii") as file:
                file.write(json.dumps(first) + "\n")
                file.writelines(json.dumps(stored._asdict()) + "\n" for stored in files)

        write_file(self._path(key), lines)

    def is_intact(self, key: str, tell: Tell, *, content: bool) -> bool:
        """Whether there is a receipt and all its files exist, with their sizes and contents."""
        try:
            with self._path(key).open(encoding="ascii") as lines:
                total, done = int(json.loads(lines.readline())["bytes"]), 0
                for number, line in enumerate(lines):
                    stored = StoredFile(**json.loads(line))
                    if not self._is_intact(stored, content=content):
                        return False
                    done += stored.size
                    if number % _EVERY == 0 or done == total:
                        tell(done, total)
                return done == total
        except (OSError, LookupError, ValueError, TypeError):  # no receipt, or a damaged one
            return False

    def _is_intact(self, stored: StoredFile, *, content: bool) -> bool:
        path = self.root / stored.path
        if not path.is_file() or path.stat().st_size != stored.size:
            return False
        if not content:
            return True
        with path.open("rb") as file:
            return crc32(file) == stored.crc32

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.jsonl"
