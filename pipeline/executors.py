"""Executors run shards. All state is on disk, so they pass only tasks and small results."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from pipeline.errors import SkyScriptError
from pipeline.worker_process import end_with_parent

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor(AbstractContextManager["Executor"], Protocol):
    """Runs a picklable task for each item; results come in any order."""

    def map(
        self, task: Callable[[Item], Result], items: Iterable[Item], at_most: int | None = None
    ) -> Iterator[Result]:
        """Yield the result of each item when it is ready; run at most ``at_most`` at once."""
        ...


class SerialExecutor(Executor):
    """Runs tasks in this process, one after the other: for tests and debuggers."""

    def map(
        self,
        task: Callable[[Item], Result],
        items: Iterable[Item],
        at_most: int | None = None,  # noqa: ARG002 - always one
    ) -> Iterator[Result]:
        """Yield the result of each item, in order."""
        yield from map(task, items)

    def __exit__(self, *_: object) -> None:
        """Do nothing: there is nothing to close."""


class ProcessExecutor(Executor):
    """Runs tasks in worker processes, spawned (fork is unsafe with threads) once for a run."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = _pool(workers)

    def map(
        self, task: Callable[[Item], Result], items: Iterable[Item], at_most: int | None = None
    ) -> Iterator[Result]:
        """Yield the result of each item when it is ready; a lower limit gets a smaller pool."""
        try:
            if at_most is None or at_most >= self._workers:
                yield from _results(self._pool, task, items)
            else:
                with _pool(at_most) as smaller:
                    yield from _results(smaller, task, items)
        except BrokenProcessPool:
            raise SkyScriptError(
                "a worker process died, most likely because memory ran out: run again with fewer "
                "--workers; finished parts stay"
            ) from None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the workers; after an error, drop the tasks that have not started."""
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)


def _pool(workers: int) -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, spawn, initializer=_prepare_worker)


def _results(
    pool: ProcessPoolExecutor, task: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    futures = [pool.submit(task, item) for item in items]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:  # after an error, drop the tasks that have not started
        for future in futures:
            future.cancel()


def _prepare_worker() -> None:
    """Make a worker use one CPU and end with its parent."""
    end_with_parent()
    import pyarrow as pa

    pa.set_cpu_count(1)
