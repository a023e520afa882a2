"""Where shards run. All state is on disk, so an executor only carries tasks and small answers."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Protocol, Self, TypeVar

from pipeline.children import end_with_parent
from pipeline.errors import SkyScriptError

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Executor(Protocol):
    """Carries out a picklable task for each item; answers come in any order."""

    def map(
        self, task: Callable[[Item], Answer], items: Iterable[Item], at_most: int | None = None
    ) -> Iterator[Answer]:
        """Yield each item's answer as it is ready; at most so many are worked on at once."""
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

    def map(
        self,
        task: Callable[[Item], Answer],
        items: Iterable[Item],
        at_most: int | None = None,  # noqa: ARG002 - it is one anyway
    ) -> Iterator[Answer]:
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
        self._workers = workers
        self._pool = _pool(workers)

    def map(
        self, task: Callable[[Item], Answer], items: Iterable[Item], at_most: int | None = None
    ) -> Iterator[Answer]:
        """Yield each item's answer as it is ready; fewer workers than ours are a pool of theirs."""
        try:
            if at_most is None or at_most >= self._workers:
                yield from _answers(self._pool, task, items)
            else:
                with _pool(at_most) as few:
                    yield from _answers(few, task, items)
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


def _pool(workers: int) -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, spawn, initializer=_prepare_worker)


def _answers(
    pool: ProcessPoolExecutor, task: Callable[[Item], Answer], items: Iterable[Item]
) -> Iterator[Answer]:
    futures = [pool.submit(task, item) for item in items]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:  # an error ends the run: what has not begun is dropped
        for future in futures:
            future.cancel()


def _prepare_worker() -> None:
    """Make a worker use one CPU, and end with its parent."""
    end_with_parent()
    import pyarrow as pa

    pa.set_cpu_count(1)
