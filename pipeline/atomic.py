"""Files that are there whole or not at all: written beside their place, then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import StorageError

TEMPORARY = ".tmp-"
"""Prefix of a file that is not finished; readers and stages pass it over."""

_REMEDIES = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "free some space and run the same command again",
    errno.EROFS: "name a folder that you may write to",
    errno.EACCES: "name a folder that you may write to",
    errno.EPERM: "name a folder that you may write to",
}
_BLOCK = 1 << 20


def content_id(data: bytes) -> str:
    """Give the id of some bytes: BLAKE2b-128 in hex."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def file_id(path: Path, blocks: int = 64) -> str:
    """Give an id of what a file holds: its size and up to ``blocks`` evenly spaced MiB of it.

    A file of up to ``blocks`` MiB is read whole; a planet file costs no more than that.
    """
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    count = max(1, min(blocks, -(-size // _BLOCK)))
    last = max(0, size - _BLOCK)
    with path.open("rb") as file:
        for index in range(count):
            file.seek(last * index // max(1, count - 1))
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn the disk's refusal (full, over quota, not to be written) into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _REMEDIES:
            raise StorageError(
                f"{path}: cannot be written: {os.strerror(error.errno)}. What is finished stays; "
                f"{_REMEDIES[error.errno]}."
            ) from error
        raise


def write_file(path: Path, write: Callable[[Path], None]) -> None:
    """Make ``path`` appear whole: ``write`` fills a temporary file beside it, a rename follows."""
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Make a file of ``data`` appear whole at ``path``."""
    write_file(path, lambda temporary: _write_all(temporary, data))


def _write_all(path: Path, data: bytes) -> None:
    path.write_bytes(data)
