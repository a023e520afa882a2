"""Whether the bytes that came are those that were sent, by whatever checksum the server tells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import RemoteError
from stages.download.config import MIB
from stages.download.remote import Seen

_BLOCK = 8 * MIB
_USUAL_PARTS = (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512, 1024)
"""Mebibytes: what tools upload in, by default or by habit."""


class Checked(NamedTuple):
    """What a file's bytes are, and what proves that they are right."""

    size: int
    sha256: str
    md5: str
    proof: tuple[str, ...]
    """In words; empty where the server tells no checksum, and its length alone agrees."""


def check(
    path: Path, seen: Seen, known_md5: str | None, url: str, tell: Callable[[int], None]
) -> Checked:
    """Compare a file with all that the server says of it, reading it once.

    Raises `RemoteError` where something contradicts. ``known_md5`` is of the edition that was
    published when this was written: it proves, but a file that the server's own checksum proves may
    be a later one.
    """
    size = path.stat().st_size
    parts, exact = _part_sizes(seen)
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    of_parts = {part: _Parts(part) for part in parts}
    read = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            md5.update(block)
            for digest in of_parts.values():
                digest.update(block)
            tell(read := read + len(block))
    proof = []
    if seen.size is not None and size != seen.size:
        raise RemoteError(f"{url}: {size:,} bytes have come where it said {seen.size:,}.")
    if expected := seen.md5():
        _agree(expected, md5.hexdigest(), url)
        proof.append("MD5 of the server")
    if (whole := seen.md5_of_parts()) and of_parts:
        found = {digest.hexdigest() for digest in of_parts.values()}
        if whole[0] in found:
            proof.append("MD5s of the server's parts")
        elif exact:
            _agree(whole[0], found.pop(), url)
    if known_md5 is not None and known_md5 == md5.hexdigest():
        proof.append("published MD5")
    elif known_md5 is not None and not proof:
        _agree(known_md5, md5.hexdigest(), url)
    return Checked(size, sha256.hexdigest(), md5.hexdigest(), tuple(proof))


def _agree(expected: str, found: str, url: str) -> None:
    if expected != found:
        raise RemoteError(
            f"{url}: what has come is not what was sent: its checksum is {found}, and should be "
            f"{expected}. It was thrown away; run the same command again."
        )


def _part_sizes(seen: Seen) -> tuple[list[int], bool]:
    """Give the sizes of the upload's parts that may be, and whether the server itself said it."""
    whole = seen.md5_of_parts()
    if whole is None or seen.size is None:
        return [], False
    if seen.first_part:
        return [seen.first_part], True
    usual = [MIB * mebibytes for mebibytes in _USUAL_PARTS]
    return [part for part in usual if -(-seen.size // part) == whole[1]], False


class _Parts:
    """The MD5 of the MD5s of a file's parts, as S3 makes an ETag of an upload in parts."""

    def __init__(self, part: int) -> None:
        self._part, self._left = part, part
        self._all = hashlib.md5(usedforsecurity=False)
        self._one = hashlib.md5(usedforsecurity=False)

    def update(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            some = view[: self._left]
            self._one.update(some)
            self._left -= len(some)
            view = view[len(some) :]
            if not self._left:
                self._close()

    def _close(self) -> None:
        self._all.update(self._one.digest())
        self._one, self._left = hashlib.md5(usedforsecurity=False), self._part

    def hexdigest(self) -> str:
        if self._left != self._part:
            self._close()
        return self._all.hexdigest()
