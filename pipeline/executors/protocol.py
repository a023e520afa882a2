"""The interface of executors. All state is in storage: only tasks and small results are passed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from pipeline.errors import SkyScriptError
from pipeline.stage import GpuUse
from pipeline.worker_process import pass_over_what_is_loaded

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_DEATHS = 3
"""An item whose worker process dies this many times is given up."""
LOST = (
    f"its worker process died {MOST_DEATHS} times, most likely because memory ran out: run again "
    "with fewer --workers"
)


def raise_lost(item: object) -> NoReturn:
    """Raise an error for an item that is given up."""
    raise SkyScriptError(f"{item}: {LOST}")


class Executor(AbstractContextManager["Executor"], Protocol):
    """Runs a picklable task for each item; results come in any order."""

    def map(
        self,
        task: Callable[[Item], Result],
        items: Iterable[Item],
        gpus: GpuUse | None = None,
        on_lost: Callable[[Item], Result] = raise_lost,
    ) -> Iterator[Result]:
        """Yield the result of each item when it is ready; ``gpus`` tells whether items need GPUs.

        ``on_lost`` gives the result of an item that killed its worker process several times.
        """
        ...


class Waiting(Generic[Item]):
    """The items that no worker has, in order; an item whose worker died is the first again."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = deque(enumerate(items))
        self._deaths: Counter[int] = Counter()

    def __len__(self) -> int:
        """Give how many items wait."""
        return len(self._items)

    def take(self) -> tuple[int, Item]:
        """Give the next item and its number, for `put_back`."""
        return self._items.popleft()

    def put_back(self, number: int, item: Item) -> bool:
        """Put back an item whose worker died; give False after several deaths: it is given up."""
        self._deaths[number] += 1
        if self._deaths[number] >= MOST_DEATHS:
            return False
        self._items.appendleft((number, item))
        return True


def answer(task: Callable[[Item], object], item: Item) -> tuple[bool, Any]:
    """Run a task in a worker: give whether it had a result, and the result or the error."""
    try:
        return True, task(item)
    except Exception as error:
        return False, error
    finally:
        pass_over_what_is_loaded()
