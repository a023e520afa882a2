"""Locks a folder by a file in it: for one process, or for several that work side by side.

On a disk, the operating system holds the lock, and releases it when the process ends. In a bucket,
it is an object that the process renews: see `pipeline.lease`.
"""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from pipeline import lease
from pipeline.atomic import make_folder, storage
from pipeline.bucket import BucketPath
from pipeline.errors import LockError
from pipeline.storage import Place


def exclusive_lock(path: Place) -> AbstractContextManager[None]:
    """Lock a folder by a lock file in it. Raises `LockError` if another process holds the lock."""
    holder = f"process {os.getpid()} on {platform.node()}"
    if isinstance(path, BucketPath):
        return lease.hold_alone(path, holder)
    return _lock(path, fcntl.LOCK_EX, holder)


def shared_lock(path: Place) -> AbstractContextManager[None]:
    """Lock a folder that other processes may lock in the same way, but not by `exclusive_lock`."""
    holder = "another run with --shards"
    if isinstance(path, BucketPath):
        return lease.hold_with_others(path, holder)
    return _lock(path, fcntl.LOCK_SH, holder)


def lock_holder(path: Place) -> str | None:
    """Say which process holds the lock of a folder; None if no process does."""
    if isinstance(path, BucketPath):
        return lease.holder_of(path)
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
        make_folder(path.parent)
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
