"""Where shards run. All state is on disk, so an executor only carries tasks and small answers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from types import TracebackType
from typing import Protocol, Self, TypeVar

from pipeline.errors import SkyScriptError

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Executor(Protocol):
    """Carries out a picklable task for each item; answers come in any order."""

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """Yield each item's answer as it is ready."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class SerialExecutor:
    """This process, one item after the other: for tests and debuggers."""

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """Yield each item's answer, in order."""
        yield from map(task, items)

    def __enter__(self) -> Self:
        """Hold nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of nothing."""


class ProcessExecutor:
    """Spawned worker processes (fork is unsafe with threads), kept for the whole run."""

    def __init__(self, workers: int) -> None:
        self._pool = ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=_prepare_worker
        )

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """Yield each item's answer as it is ready."""
        try:
            futures = [self._pool.submit(task, item) for item in items]
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            raise SkyScriptError(
                "a worker process died at once, most likely for want of memory: run again with "
                "fewer --workers; what is finished stays"
            ) from None

    def __enter__(self) -> Self:
        """Hold the pool."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the workers; what has not begun is dropped where an error ends the run."""
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)


def _prepare_worker() -> None:
    """Make a worker use one CPU, and end with its parent however that ends.

    A worker that outlived a killed run could write beside the next one. Ctrl-C reaches the whole
    terminal; it is the parent's to act on.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import pyarrow as pa

    pa.set_cpu_count(1)
    parent = multiprocessing.parent_process()
    assert parent is not None  # spawned

    def end_with_parent() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
