"""A lock in a bucket: an object that its holder renews, because it does not end with a process.

    <run>/_lock              of the one process that works here alone
          _locks/<token>     of each process that works here with others

Each write has the condition that the object is as it was read (If-Match, If-None-Match), so of two
processes one gets the lock. A lock that was not renewed for `LASTS` seconds, by the clock of the
storage, is taken over.
"""

from __future__ import annotations

import json
import logging
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pipeline.atomic import TEMPORARY, write_bytes
from pipeline.bucket import BucketPath
from pipeline.errors import LockError, StorageError
from pipeline.object_stat import ObjectVersion

log = logging.getLogger(__name__)

LASTS = 120.0
"""Seconds: longer than the time to the next renewal and the longest request with its retries."""
RENEWED_EVERY = 20.0


@contextmanager
def hold_alone(path: BucketPath, holder: str) -> Iterator[None]:
    """Hold the lock at ``path``. Raises `LockError` if another process holds it, alone or not."""
    with _renewed(_Lease(path, holder)):
        now = path.stat().st_mtime
        for place in _shared_folder(path).iterdir():
            other = _read(place)
            if other is not None and now - other.written < LASTS:
                raise _refusal(path, other, now)
            place.unlink(missing_ok=True)  # of a process that was killed
        yield


@contextmanager
def hold_with_others(path: BucketPath, holder: str) -> Iterator[None]:
    """Hold a lock beside others of this kind. Raises `LockError` if a process holds ``path``."""
    lease = _Lease(_shared_folder(path) / secrets.token_hex(8), holder)
    with _renewed(lease):
        now = lease.place.stat().st_mtime
        alone = _read(path)
        if alone is not None and now - alone.written < LASTS:
            raise _refusal(path, alone, now)
        yield


def holder_of(path: BucketPath) -> str | None:
    """Say which process holds the lock, alone or beside others; None if no process does."""
    for place in (path, *_shared_folder(path).iterdir()):
        found = _read(place)
        if found is not None and time.time() - found.written < LASTS:
            return found.holder
    return None


class _Found:
    """A lock as it is stored in the bucket."""

    def __init__(self, data: bytes, version: ObjectVersion, written: float) -> None:
        content = _content(data)
        self.holder = str(content.get("holder", "another process"))
        self.token = content.get("token")
        self.version, self.written = version, written


def _content(data: bytes) -> dict[str, object]:
    try:
        content = json.loads(data)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _read(place: BucketPath) -> _Found | None:
    found = place.read_version()
    return None if found is None else _Found(*found)


def _shared_folder(path: BucketPath) -> BucketPath:
    return path.parent / f"{path.name}s"


def _refusal(path: BucketPath, other: _Found, now: float) -> LockError:
    return LockError(
        f"{path.parent}: {other.holder} uses this folder, and said so "
        f"{max(0, now - other.written):.0f} s ago; wait for it, or stop it. The lock of a process "
        f"that was killed ends after {LASTS:.0f} s."
    )


class _Lease:
    """A lock object of this process, and its version."""

    def __init__(self, place: BucketPath, holder: str) -> None:
        self.place = place
        self._holder = holder
        self._token = secrets.token_hex(8)
        self._renewals = 0
        self._version: ObjectVersion | None = None

    def take(self) -> None:
        """Write the object, unless one is there that another process renews."""
        self._version = self.place.write_if(self._text(), None)
        if self._version is None and not self._is_mine():
            self._take_over()

    def _take_over(self) -> None:
        now, other = _time_of_storage(self.place), _read(self.place)
        if other is not None and now - other.written < LASTS:
            raise _refusal(self.place, other, now)
        self._version = self.place.write_if(self._text(), other.version if other else None)
        if self._version is None and not self._is_mine():
            raise LockError(
                f"{self.place.parent}: another process has just begun to use this folder; wait "
                "for it, or stop it"
            )
        if other is not None:
            log.warning("%s: takes over the lock of %s", self.place.parent, other.holder)

    def renew(self) -> bool:
        """Write the object again; tell whether it was still this process's."""
        self._renewals += 1
        version = self.place.write_if(self._text(), self._version)
        if version is None:
            return self._is_mine()
        self._version = version
        return True

    def release(self) -> None:
        """Remove the object."""
        if self._is_mine():
            self.place.unlink(missing_ok=True)

    def _is_mine(self) -> bool:
        """Tell whether the object is this process's: a write may succeed and still be repeated."""
        found = _read(self.place)
        if found is None or found.token != self._token:
            return False
        self._version = found.version
        return True

    def _text(self) -> bytes:
        # The counter makes each renewal another version.
        content = {"holder": self._holder, "token": self._token, "renewals": self._renewals}
        return json.dumps(content).encode()


def _time_of_storage(place: BucketPath) -> float:
    """Give the time by the clock of the storage, in seconds since 1970."""
    probe = place.parent / f"{TEMPORARY}clock-{secrets.token_hex(8)}"
    write_bytes(probe, b"")
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


@contextmanager
def _renewed(lease: _Lease) -> Iterator[None]:
    """Take a lock, renew it while the block runs, and release it.

    If it is lost, the block is interrupted as by Ctrl-C, and `StorageError` is raised.
    """
    lease.take()
    ended, lost = threading.Event(), threading.Event()
    in_main = threading.current_thread() is threading.main_thread()

    def renew() -> None:
        while not ended.wait(RENEWED_EVERY):
            try:
                if lease.renew():
                    continue
            except StorageError as error:
                log.warning("%s", error)
            lost.set()
            if in_main and not ended.is_set():
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            return

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    except KeyboardInterrupt:
        if not lost.is_set():
            raise
    finally:
        ended.set()
        thread.join()
        if not lost.is_set():
            with suppress(StorageError):  # it then ends by itself
                lease.release()
    if lost.is_set():
        raise StorageError(
            f"{lease.place.parent}: the lock could not be renewed, so another process may use "
            "this folder now. Finished parts stay; run the same command again."
        )
