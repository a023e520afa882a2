"""Runs tasks in worker processes of this machine."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, Generic

from pipeline.executors.protocol import Executor, Item, Result, Waiting, answer, raise_lost
from pipeline.stage import GpuUse
from pipeline.worker_process import become_worker, blocked_signals, leave_signals_to_parent

log = logging.getLogger(__name__)

_SPAWN = multiprocessing.get_context("spawn")


class ProcessExecutor(Executor):
    """Runs tasks in worker processes, which start when they are needed and serve all tasks.

    A process that dies is replaced, and its item is run again.
    """

    def __init__(self, workers: int) -> None:
        self._workers = [_Worker[Any](number) for number in range(workers)]

    def map(
        self,
        task: Callable[[Item], Result],
        items: Iterable[Item],
        gpus: GpuUse | None = None,
        on_lost: Callable[[Item], Result] = raise_lost,
    ) -> Iterator[Result]:
        """Yield the result of each item when it is ready; a GPU has one worker, made for it."""
        if gpus is not None and 0 < gpus.here < len(self._workers):
            with ProcessExecutor(gpus.here) as fewer:
                yield from fewer.map(task, items, None, on_lost)
            return
        waiting = Waiting(items)
        try:
            while waiting or any(worker.is_busy for worker in self._workers):
                self._hand_out(task, waiting)
                for worker in _ready(self._workers):
                    number, item = worker.take()
                    try:
                        is_result, result = worker.receive()
                    except (EOFError, OSError):
                        log.warning("a worker process died (%s); it is replaced", worker.end())
                        if waiting.put_back(number, item):
                            continue
                        is_result, result = True, on_lost(item)
                    if not is_result:
                        raise result
                    self._hand_out(task, waiting)  # the worker must not wait for the consumer
                    yield result
        finally:  # after an error: what runs is finished, what waits is dropped
            for worker in self._workers:
                worker.drain()

    def _hand_out(self, task: Callable[[Item], Result], waiting: Waiting[Item]) -> None:
        for worker in self._workers:
            if waiting and not worker.is_busy:
                worker.start(task, *waiting.take())

    def __exit__(self, *_: object) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.end()


class _Worker(Generic[Item]):
    """A worker process, started when it is first needed, and the item that it works on."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._item: tuple[int, Item] | None = None

    @property
    def is_busy(self) -> bool:
        return self._item is not None

    @property
    def connection(self) -> Connection:
        assert self._connection is not None  # started
        return self._connection

    def start(self, task: Callable[[Item], object], number: int, item: Item) -> None:
        """Make the process run the task on an item."""
        if self._process is None:
            ours, theirs = _SPAWN.Pipe()
            process = _SPAWN.Process(target=_serve, args=(theirs, self._number))
            with blocked_signals():  # a new process is not ready for them
                process.start()
            theirs.close()
            self._process, self._connection = process, ours
        self._item = (number, item)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `receive` notices it
            self.connection.send((task, item))

    def take(self) -> tuple[int, Item]:
        """Give the item, which is then no longer the worker's."""
        assert self._item is not None  # busy
        item, self._item = self._item, None
        return item

    def receive(self) -> tuple[bool, Any]:
        """Give whether the task had a result, and the result or the task's error.

        Raises `EOFError` or `OSError` if the process died.
        """
        reply: tuple[bool, Any] = self.connection.recv()
        return reply

    def drain(self) -> None:
        """Wait for a task whose result nobody needs any more."""
        if self._item is not None:
            self._item = None
            with contextlib.suppress(Exception):
                self.receive()

    def end(self) -> str:
        """End the process; describe how it ended."""
        if self._process is None or self._connection is None:
            return "not started"
        with contextlib.suppress(OSError):
            self._connection.send(None)
        self._connection.close()
        self._process.join()
        code = self._process.exitcode
        self._process = self._connection = None
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _ready(workers: Iterable[_Worker[Item]]) -> list[_Worker[Item]]:
    """Wait until a busy worker has a result or is dead; give all of these."""
    busy = {worker.connection: worker for worker in workers if worker.is_busy}
    return [busy[connection] for connection in wait(list(busy)) if connection in busy]


def _serve(connection: Connection, number: int) -> None:
    """Run tasks until there are no more, on one CPU; end with the parent process."""
    leave_signals_to_parent()
    become_worker(number)
    while (call := _next_call(connection)) is not None:
        connection.send(answer(*call))


def _next_call(connection: Connection) -> Any:  # noqa: ANN401 - a task and its item
    try:
        return connection.recv()
    except EOFError:  # the parent was interrupted while it started this process
        return None
