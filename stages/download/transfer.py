"""A file from a server to the disk: in pieces side by side, on from where it was, never a mixture.

A file that changes on the server meanwhile is begun anew: If-Range, the ETag and the time of change
of each answer, and the length are compared with those of the first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from pipeline.errors import RemoteError
from stages.download.partial import Partial, piece_digest
from stages.download.progress import Progress, Tell
from stages.download.remote import Changed, RangesIgnored, Seen, Server, Transient

_EDITIONS = 3
"""Times that a file may change while it is fetched."""
_LEAST = 1 << 16
"""Bytes that a broken answer must have brought, to count as progress and not as a failed try."""


class Stopped(Exception):
    """The download was stopped from outside."""


class Context(NamedTuple):
    """What all transfers of a download share."""

    server: Server
    pool: ThreadPoolExecutor
    """Fetches pieces."""
    stop: threading.Event
    piece: int
    tell: Tell


def fetch(context: Context, name: str, path: str, partial: Partial, seen: Seen) -> Seen:
    """Bring all bytes of a file into ``partial``; give what the server said of that edition.

    Raises `RemoteError`, and `StorageError` where the disk is full.
    """
    for _ in range(_EDITIONS):
        try:
            if seen.ranges and seen.size is not None:
                try:
                    _by_pieces(context, name, path, partial, seen)
                except RangesIgnored:
                    _whole(context, name, path, partial, seen)
            else:
                _whole(context, name, path, partial, seen)
        except Changed:
            partial.drop()
            seen = context.server.probe(path)
        else:
            return seen
        finally:
            partial.close()
    raise RemoteError(
        f"{context.server.url(path)}: has changed {_EDITIONS} times while it was fetched; try "
        "again later."
    )


def _by_pieces(context: Context, name: str, path: str, partial: Partial, seen: Seen) -> None:
    assert seen.size is not None
    size, piece = seen.size, context.piece
    there = partial.begin(seen.identity(), size, piece)
    every = range(-(-size // piece))
    meter = _Meter(context.tell, name, size)
    meter.add(sum(min(piece, size - number * piece) for number in there))
    stop = threading.Event()

    def task(number: int) -> None:
        start, end = number * piece, min((number + 1) * piece, size)
        _piece(context, path, partial, seen, number, (start, end), meter, stop)

    missing = [number for number in every if number not in there]
    _all(context.pool, task, missing, stop)


def _all(
    pool: ThreadPoolExecutor,
    task: Callable[[int], None],
    numbers: Sequence[int],
    stop: threading.Event,
) -> None:
    """Do them all in the pool; at the first that fails stop the others, and raise it."""
    futures: list[Future[None]] = [pool.submit(task, number) for number in numbers]
    try:
        wait(futures, return_when=FIRST_EXCEPTION)
    finally:
        failed = any(f.done() and not f.cancelled() and f.exception() for f in futures)
        if failed or not all(f.done() for f in futures):
            stop.set()
            for future in futures:
                future.cancel()
            wait(futures)
    errors = [error for f in futures if not f.cancelled() and (error := f.exception())]
    errors.sort(key=lambda error: isinstance(error, Stopped))
    if errors:
        raise errors[0]


def _piece(
    context: Context,
    path: str,
    partial: Partial,
    seen: Seen,
    number: int,
    span: tuple[int, int],
    meter: _Meter,
    stop: threading.Event,
) -> None:
    """Bring one piece: each answer that breaks off is taken up where it ended."""
    at, end = span
    digest = piece_digest()

    def some() -> None:
        nonlocal at
        begun = at
        try:
            with context.server.body(path, seen, at, end) as blocks:
                for block in blocks:
                    _check(context, stop)
                    if at + len(block) > end:
                        raise Transient("the answer is longer than what was asked for")
                    partial.write(block, at)
                    digest.update(block)
                    meter.add(len(block))
                    at += len(block)
        except Transient:
            _check(context, stop)
            if at - begun < _LEAST:  # else the next answer takes it up, as a new first try
                raise

    while at < end:
        context.server.persist(path, some)
    partial.declare(number, digest.hexdigest())


def _whole(context: Context, name: str, path: str, partial: Partial, seen: Seen) -> None:
    """Bring the file in one answer, from a server that gives no pieces: all or nothing."""

    def one() -> None:
        partial.begin_whole()
        meter = _Meter(context.tell, name, seen.size)
        at = 0
        with context.server.body(path, seen) as blocks:
            for block in blocks:
                _check(context, context.stop)
                partial.write(block, at)
                at += len(block)
                meter.add(len(block))
        if seen.size is not None and at != seen.size:
            raise Transient(f"the server gives {at:,} bytes where it said {seen.size:,}")

    context.server.persist(path, one)


def _check(context: Context, stop: threading.Event) -> None:
    if stop.is_set() or context.stop.is_set():
        raise Stopped


class _Meter:
    """Counts bytes from several threads."""

    def __init__(self, tell: Tell, name: str, total: int | None) -> None:
        self._tell, self._name, self._total = tell, name, total
        self._done = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._tell(Progress(self._name, "fetch", self._done, self._total))
