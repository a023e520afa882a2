"""Gives the content id of files from outside a run, and remembers it, so a second look is cheap.

A file is read whole. A small database in the user's cache folder holds its id under its path, with
its size, times, inode and device: if they are unchanged, the file is not read again. The database
may be deleted at any time. Where it cannot be written, every file is read each time.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from pipeline.atomic import content_id, content_id_of_file
from pipeline.storage import cache_folder

_SETTLED = 2 * 10**9
"""Nanoseconds after a change in which another change may leave the same time."""
_THREADS = 8
_AT_ONCE = 500
"""Files in one query: SQLite allows 999 values."""
_TABLE = "CREATE TABLE IF NOT EXISTS ids (path BLOB PRIMARY KEY, state BLOB, id BLOB) WITHOUT ROWID"


class _File(NamedTuple):
    path: Path
    key: bytes
    """The digest of the absolute path."""
    state: bytes
    """The digest of size, times, inode and device."""
    changed: int
    """The time of the last change of the content or of the inode, in nanoseconds."""


def cache_file() -> Path:
    """Give the path of the database, which is in the user's cache folder."""
    return cache_folder() / "content-ids.sqlite"


def identify(path: Path) -> str:
    """Give the id of a file's content. Raises `OSError` if it cannot be read."""
    [found] = identify_all([path])
    return found or content_id_of_file(path)


def identify_together(paths: Iterable[Path]) -> str:
    """Give an id of the content of several files, in order; raises `OSError` as `identify` does."""
    return content_id("".join(map(identify, paths)).encode())


def identify_all(paths: Iterable[Path]) -> Iterator[str | None]:
    """Give the id of each file's content, in order; None if it is no file or cannot be read."""
    with _database() as database, ThreadPoolExecutor(_THREADS) as threads:
        remaining = iter(paths)
        while part := list(itertools.islice(remaining, _AT_ONCE)):
            files = list(threads.map(_look_at, part))
            known = _recall(database, [file.key for file in files if file])
            missing = [
                file for file in files if file and known.get(file.key, (b"",))[0] != file.state
            ]
            read = dict(zip([f.key for f in missing], threads.map(_read, missing), strict=True))
            _remember(database, [(f, read[f.key]) for f in missing])
            for file in files:
                if file is None:
                    yield None
                else:
                    yield read[file.key] if file.key in read else known[file.key][1].hex()


def _look_at(path: Path) -> _File | None:
    """Give the state of a file; None if there is no file, or something that may block."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    fields = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
    changed = max(found.st_mtime_ns, found.st_ctime_ns)
    name = os.fsencode(path.absolute())
    return _File(path, _digest(name), _digest(repr(fields).encode()), changed)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def _read(file: _File) -> str | None:
    try:
        return content_id_of_file(file.path)
    except OSError:
        return None


@contextlib.contextmanager
def _database() -> Iterator[sqlite3.Connection | None]:
    """Open the database; give None if it cannot be used."""
    path, database = cache_file(), None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, timeout=10, isolation_level=None)
        database.execute(_TABLE)
    except (OSError, sqlite3.Error):
        if database is not None:
            database.close()
        database = None
    try:
        yield database
    finally:
        if database is not None:
            database.close()


def _recall(
    database: sqlite3.Connection | None, keys: Sequence[bytes]
) -> Mapping[bytes, tuple[bytes, bytes]]:
    """Give the remembered state and id of each path that is known."""
    if database is None:
        return {}
    marks = ",".join("?" * len(keys))
    try:
        rows = database.execute(f"SELECT path, state, id FROM ids WHERE path IN ({marks})", keys)
        return {path: (state, value) for path, state, value in rows}
    except sqlite3.Error:
        return {}


def _remember(
    database: sqlite3.Connection | None, read: Sequence[tuple[_File, str | None]]
) -> None:
    """Store ids, but not of a file that has just changed or that changes now."""
    settled = time.time_ns() - _SETTLED
    rows = [
        (file.key, file.state, bytes.fromhex(found))
        for file, found in read
        if found and file.changed < settled and _look_at(file.path) == file
    ]
    if database is None or not rows:
        return
    with contextlib.suppress(sqlite3.Error):
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT OR REPLACE INTO ids VALUES (?, ?, ?)", rows)
        database.execute("COMMIT")
