"""What a run says while it works: typed values. Only the command line draws them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class StageStarted:
    """A stage begins: how many shards it has, how many are done, and why the others are not."""

    stage: str
    shards: int | None
    """``None`` for a dataset stage, which does not know its parts beforehand."""
    done: int
    why: str
    """In words: ``first run``, ``changed: shift 0.25 -> 0.3``, ``3 of 12 parts to make`` ..."""


@dataclass(frozen=True)
class StageLeftOut:
    """The config leaves a stage out; what an earlier config made of it is gone."""

    stage: str
    along: tuple[str, ...]
    """Stages that need what it would make."""
    why: str


@dataclass(frozen=True)
class ShardFinished:
    """A part and its receipt are on disk."""

    stage: str
    shard: int
    rows: int
    seconds: float


@dataclass(frozen=True)
class ShardFailed:
    """A shard raised; the others go on."""

    stage: str
    shard: int
    error: str


@dataclass(frozen=True)
class StageFinished:
    """A stage has ended; the totals come from the receipts on disk."""

    stage: str
    rows: int
    status: Mapping[str, int]
    reasons: Mapping[str, int]
    ran: int
    """Shards that this run worked on; 0 where everything was there."""
    seconds: float


@dataclass(frozen=True)
class TaskProgress:
    """A task that is no stage, a training or the download of a file, has come this far.

    It may come from any thread. The task ends when ``done`` reaches ``total``, or when another
    phase of it begins.
    """

    task: str
    phase: str
    """What is being done: ``train``, ``fetch``, ``check``, ``unpack``."""
    done: int
    total: int | None
    unit: Literal["steps", "bytes"]
    note: str = ""
    """More about the state, such as the loss. It is shown beside the bar, and logged at the end."""


Event = StageStarted | StageLeftOut | ShardFinished | ShardFailed | StageFinished | TaskProgress
