"""Runs tasks in this process, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pipeline.executors.protocol import Executor, Item, Result, raise_lost
from pipeline.stage import GpuUse


class SerialExecutor(Executor):
    """Runs tasks in this process, one after the other: for tests and debuggers."""

    def map(
        self,
        task: Callable[[Item], Result],
        items: Iterable[Item],
        gpus: GpuUse | None = None,  # noqa: ARG002 - always one item at once
        on_lost: Callable[[Item], Result] = raise_lost,  # noqa: ARG002 - there is no worker
    ) -> Iterator[Result]:
        """Yield the result of each item, in order."""
        yield from map(task, items)

    def __exit__(self, *_: object) -> None:
        """Do nothing: there is nothing to close."""
