"""Writes files atomically, and names content by its digest.

On a disk, a file gets its name by a rename; in a bucket, an object appears when it is whole.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.bucket import BucketPath
from pipeline.errors import StorageError
from pipeline.storage import Place

TEMPORARY = ".tmp-"
"""Prefix of unfinished files; readers and stages ignore them."""

_FREE_SPACE = "free some space and run the same command again"
CHOOSE_FOLDER = "choose a folder that you may write to"
REMEDIES = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EROFS: CHOOSE_FOLDER,
    errno.EACCES: CHOOSE_FOLDER,
    errno.EPERM: CHOOSE_FOLDER,
}
_SEAL, _END = b',\n "seal": "', b'"\n}\n'


def content_id(data: bytes) -> str:
    """Give the id of some bytes: their BLAKE2b-128 digest in hex."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def content_id_of_file(path: Place) -> str:
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
def storage(path: Place) -> Iterator[None]:
    """Raise `StorageError` if the disk is full, over quota or not writable."""
    try:
        yield
    except OSError as error:
        if error.errno in REMEDIES:
            raise StorageError(
                f"{path}: cannot be written: {os.strerror(error.errno)}. Finished files stay; "
                f"{REMEDIES[error.errno]}."
            ) from error
        raise


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, if it is not there yet.

    Raises `StorageError` if it cannot be made, for example because a file is in its place.
    """
    with storage(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno in REMEDIES:
                raise
            raise StorageError(
                f"{folder}: cannot be made: {os.strerror(error.errno or 0)}; {CHOOSE_FOLDER}"
            ) from error


def write_file(path: Place, write: Callable[[Path], object]) -> None:
    """Write a file atomically: ``write`` fills a temporary file, which then gets the name."""
    if isinstance(path, BucketPath):
        with tempfile.TemporaryDirectory(prefix="skyscript-") as folder:
            temporary = Path(folder) / path.name
            with storage(temporary):
                write(temporary)
            path.write_from(temporary)
        return
    # Processes of two machines may have the same id and write the same file.
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}")
    with storage(path):
        if not path.parent.is_dir():
            make_folder(path.parent)
        try:
            write(temporary)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_files(paths: Sequence[Place], write: Callable[[Sequence[Path]], object]) -> None:
    """Write several files at once, each as `write_file` does: none has its name before all do."""

    def fill(done: Sequence[Path]) -> None:
        if len(done) == len(paths):
            write(done)
        else:
            write_file(paths[len(done)], lambda temporary: fill([*done, temporary]))

    fill([])


def write_bytes(path: Place, data: bytes) -> None:
    """Write some bytes to a file atomically."""
    if isinstance(path, BucketPath):
        path.write_bytes(data)
    else:
        write_file(path, lambda temporary: temporary.write_bytes(data))


@contextmanager
def appending(path: Place) -> Iterator[Path]:
    """Give a file to append to. In a bucket, what was appended to it arrives at the end."""
    if not isinstance(path, BucketPath):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="skyscript-") as folder:
        new = Path(folder) / path.name
        try:
            yield new
        finally:
            if new.exists():
                path.append(new.read_bytes())


def write_json(path: Place, value: object) -> None:
    """Write a value as indented JSON, atomically; types that JSON does not have become text."""
    write_bytes(path, (json.dumps(value, indent=1, default=str) + "\n").encode())


def write_sealed_json(path: Place, value: Mapping[str, object]) -> None:
    """Write a JSON object of state atomically, with a digest of its text as the last field."""
    text = json.dumps(value, indent=1, default=str).removesuffix("\n}").encode()
    write_bytes(path, text + _SEAL + content_id(text).encode() + _END)


def read_sealed_json(path: Place) -> Any:  # noqa: ANN401 - the values are of any type
    """Read a JSON object of state; None if it is missing, cut short or damaged by a single byte."""
    try:
        text, _, digest = path.read_bytes().rpartition(_SEAL)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if digest != content_id(text).encode() + _END:
        return None
    return json.loads(text + b"\n}")
