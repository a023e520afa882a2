"""The events of a run; the command line shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class StageStarted:
    """A stage starts: how many shards it has, how many are done, and why others must be made."""

    stage: str
    shards: int | None
    """None for a dataset stage: it does not know the number of its parts in advance."""
    done: int
    why: str
    """For example ``first run``, ``changed: shift 0.25 -> 0.3``, ``3 of 12 parts to make``."""
    rows: int | None = None
    """Rows of its first input table in the shards that must be made; None if it is not known."""


@dataclass(frozen=True)
class StageDisabled:
    """The config disables a stage; results of an earlier config are removed."""

    stage: str
    along: tuple[str, ...]
    """The stages that need its table, and so are disabled too."""
    why: str


@dataclass(frozen=True)
class ShardFinished:
    """A shard is done: its part and its receipt are on disk."""

    stage: str
    shard: int
    rows: int
    seconds: float
    rows_read: int | None = None
    """Rows that the shard has in the stage's first input table; None if it is not known."""


@dataclass(frozen=True)
class ShardFailed:
    """A shard raised an error; the other shards continue."""

    stage: str
    shard: int
    error: str
    rows_read: int | None = None
    """As in `ShardFinished`."""


@dataclass(frozen=True)
class StageFinished:
    """A stage ended; its totals are sums over the receipts on disk."""

    stage: str
    rows: int
    status: Mapping[str, int]
    reasons: Mapping[str, int]
    ran: int
    """Number of shards that this run made; 0 if all were already done."""
    seconds: float


@dataclass(frozen=True)
class TaskProgress:
    """The progress of a task that is not a stage: a training or the download of a file.

    The event may come from any thread. The task ends when ``done`` reaches ``total``, or when its
    next phase begins.
    """

    task: str
    phase: str
    """The current step: ``train``, ``fetch``, ``check``, ``unpack``."""
    done: int
    total: int | None
    unit: Literal["steps", "bytes"]
    note: str = ""
    """More about the state, such as the loss. It is shown beside the bar, and logged at the end."""


Event = StageStarted | StageDisabled | ShardFinished | ShardFailed | StageFinished | TaskProgress


_REASONS = 4
"""So many reasons are named one by one."""


def name_reasons(reasons: Mapping[str, int]) -> list[str]:
    """Say why rows dropped out, by number of rows and reason: the first reasons, and how many more.

    ``reasons`` gives the number of rows by reason, in the order to name them.
    """
    named = [f"{count:,} {reason}" for reason, count in list(reasons.items())[:_REASONS]]
    if (more := len(reasons) - _REASONS) > 0:
        named.append(f"{more} more reason{'s' if more > 1 else ''}")
    return named
