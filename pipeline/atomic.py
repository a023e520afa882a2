"""Writes files atomically (to a temporary name, then a rename), and names content by its digest."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import platform
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import LockError, StorageError

TEMPORARY = ".tmp-"
"""Prefix of unfinished files; readers and stages ignore them."""

_FREE_SPACE = "free some space and run the same command again"
_CHOOSE_FOLDER = "choose a folder that you may write to"
_REMEDIES = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EROFS: _CHOOSE_FOLDER,
    errno.EACCES: _CHOOSE_FOLDER,
    errno.EPERM: _CHOOSE_FOLDER,
}
_SEAL, _END = b',\n "seal": "', b'"\n}\n'


def content_id(data: bytes) -> str:
    """Give the id of some bytes: their BLAKE2b-128 digest in hex."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def content_id_of_file(path: Path) -> str:
    """Give the id of a file's bytes, as `content_id` does, without loading the file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def user_folder() -> Path:
    """Give the folder for files that all processes of this user on this machine share."""
    base = Path(tempfile.gettempdir()) / f"skyscript-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    if base.stat().st_uid != os.getuid():
        return Path(tempfile.mkdtemp(prefix="skyscript-"))  # another user's: do not share
    return base


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Raise `StorageError` if the disk is full, over quota or not writable."""
    try:
        yield
    except OSError as error:
        if error.errno in _REMEDIES:
            raise StorageError(
                f"{path}: cannot be written: {os.strerror(error.errno)}. Finished files stay; "
                f"{_REMEDIES[error.errno]}."
            ) from error
        raise


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file atomically: ``write`` fills a temporary file, which is then renamed."""
    # Processes of two machines may have the same id and write the same file.
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}")
    with storage(path):
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write some bytes to a file atomically."""
    write_file(path, lambda temporary: temporary.write_bytes(data))


def write_json(path: Path, value: object) -> None:
    """Write a value as indented JSON, atomically; types that JSON does not have become text."""
    write_bytes(path, (json.dumps(value, indent=1, default=str) + "\n").encode())


def write_sealed_json(path: Path, value: Mapping[str, object]) -> None:
    """Write a JSON object of state atomically, with a digest of its text as the last field."""
    text = json.dumps(value, indent=1, default=str).removesuffix("\n}").encode()
    write_bytes(path, text + _SEAL + content_id(text).encode() + _END)


def read_sealed_json(path: Path) -> Any:  # noqa: ANN401 - the values are of any type
    """Read a JSON object of state; None if it is missing, cut short or damaged by a single byte."""
    try:
        text, _, digest = path.read_bytes().rpartition(_SEAL)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if digest != content_id(text).encode() + _END:
        return None
    return json.loads(text + b"\n}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in _REMEDIES:
            raise
        raise StorageError(
            f"{folder}: cannot be made: {os.strerror(error.errno or 0)}; {_CHOOSE_FOLDER}"
        ) from error


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Lock a folder by a lock file in it. Raises `LockError` if another process holds the lock.

    The operating system releases the lock when the process ends, even if it is killed.
    """
    with _lock(path, fcntl.LOCK_EX, f"process {os.getpid()} on {platform.node()}"):
        yield


@contextmanager
def shared_lock(path: Path) -> Iterator[None]:
    """Lock a folder that other processes may lock in the same way, but not by `exclusive_lock`."""
    with _lock(path, fcntl.LOCK_SH, "another run with --shards"):
        yield


def lock_holder(path: Path) -> str | None:
    """Say which process holds the lock of a folder; None if no process does."""
    try:
        with path.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip() or "another process"
    except OSError:
        return None
    return None


@contextmanager
def _lock(path: Path, operation: int, holder: str) -> Iterator[None]:
    with storage(path.parent):
        _make_folder(path.parent)
        lock = path.open("a+")
    with lock:
        try:
            fcntl.flock(lock, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            other = lock.read().strip() or "another process"
            raise LockError(
                f"{path.parent}: {other} uses this folder; wait for it, or stop it"
            ) from None
        with storage(path.parent):
            lock.truncate(0)
            lock.write(holder)
            lock.flush()
        yield
