"""The events of a run, as typed values; the command line shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StageStarted:
    """A stage starts: how many shards it has, how many are done, and why others must be made."""

    stage: str
    shards: int | None
    """None for a dataset stage: it does not know the number of its parts in advance."""
    done: int
    why: str
    """For example ``first run``, ``changed: shift 0.25 -> 0.3``, ``3 of 12 parts to make``."""


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


@dataclass(frozen=True)
class ShardFailed:
    """A shard raised an error; the other shards continue."""

    stage: str
    shard: int
    error: str


@dataclass(frozen=True)
class StageFinished:
    """A stage ended; its totals are sums over the receipts on disk."""

    stage: str
    rows: int
    status: Mapping[str, int]
    reasons: Mapping[str, int]
    ran: int
    """Number of shards that this run made; 0 where all were done before."""
    seconds: float


Event = StageStarted | StageDisabled | ShardFinished | ShardFailed | StageFinished
