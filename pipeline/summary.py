"""The state of a run in figures: for `skyscript status`, and for the run's summary.json."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline import disabled_stages
from pipeline.manifest import TableFolder
from pipeline.receipts import Receipt, Totals, totals
from pipeline.run import Run
from pipeline.schema import STATUS_OK
from pipeline.stage import ShardStage, Stage
from pipeline.state import count_errors, is_current, stage_totals

RECENT = 600.0
"""Seconds back from now over which the rate of a working run is measured."""

State = Literal["complete", "stale", "incomplete", "left out"]


_NOTHING = Totals(0, {}, {})


@dataclass(frozen=True)
class StageState:
    """The state of a stage's table."""

    stage: str
    state: State
    """``stale``: complete, but made from inputs that have changed since."""
    parts: int = 0
    totals: Totals = _NOTHING
    """The counts of the finished rows; only the reasons of this stage are counted."""
    expected: int | None = None
    """Number of rows that the whole table has; None if it is not known yet."""
    rate: float | None = None
    """Rows a second in the last minutes; None if none was made."""

    @property
    def seconds_left(self) -> float | None:
        """The seconds that the rest of the table takes at this rate; None if it is not known."""
        if not self.rate or self.expected is None:
            return None
        return max(0, self.expected - self.totals.rows) / self.rate

    def fields(self) -> dict[str, Any]:
        """Give the state as plain JSON values; its rate, too, if there is one."""
        pace = {"rows_a_second": self.rate, "seconds_left": self.seconds_left}
        return {
            "stage": self.stage,
            "state": self.state,
            "parts": self.parts,
            "rows": self.totals.rows,
            "expected_rows": self.expected,
            "status": dict(sorted(self.totals.status.items())),
            "reasons": dict(sorted(self.totals.reasons.items())),
        } | {name: round(value, 3) for name, value in pace.items() if value is not None}


def stage_states(recipe: Sequence[Stage], run: Run, *, working: bool) -> Iterator[StageState]:
    """Yield the state of each stage of a run; ``working`` says that a process works in it now."""
    used = disabled_stages.find_used(recipe, run.disabled_stages())
    # A stage as it runs also reads the tables of `may_read` that are there.
    as_run = {stage.name: stage for stage in used}
    for stage in recipe:
        if stage.name in as_run:
            yield _state_of(as_run[stage.name], run, working=working)
        else:
            yield StageState(stage.name, "left out")


def _state_of(stage: Stage, run: Run, *, working: bool) -> StageState:
    folder = run.folder(stage.writes)
    receipts = folder.receipts()
    is_complete = folder.manifest() is not None
    state: State = "stale" if is_complete else "incomplete"
    if is_current(stage, run):
        state = "complete"
    rate = _rate(folder, receipts) if working and not is_complete else None
    expected = _expected(stage, run) if not is_complete else totals(receipts).rows
    return StageState(stage.name, state, len(receipts), stage_totals(stage, run), expected, rate)


def _expected(stage: Stage, run: Run) -> int | None:
    """Give the rows of a table that is not complete: those of the table it is made from."""
    if not isinstance(stage, ShardStage):
        return None
    source = run.folder(stage.reads[0])
    return totals(source.receipts()).rows if source.manifest() is not None else None


def _rate(folder: TableFolder, receipts: Mapping[int, Receipt]) -> float | None:
    """Give the rows a second of the parts that were made in the last minutes."""
    now = time.time()
    recent = {shard: at for shard, at in folder.receipt_times().items() if at > now - RECENT}
    made = recent.keys() & receipts.keys()
    if not made:
        return None
    began = max(now - RECENT, min(recent[shard] - receipts[shard].seconds for shard in made))
    return sum(receipts[shard].rows for shard in made) / max(now - began, 1e-3)


def summarise(recipe: Sequence[Stage], run: Run, *, working: bool) -> dict[str, Any]:
    """Give the state of a run as plain JSON values: each stage, and the failed rows by class."""
    used = disabled_stages.find_used(recipe, run.disabled_stages())
    states = list(stage_states(recipe, run, working=working))
    return {
        "skyscript": importlib.metadata.version("skyscript"),
        "complete": all(state.state in {"complete", "left out"} for state in states),
        "failed": dict(count_errors(used, run).most_common()),
        "stages": [state.fields() for state in states],
    }


def count_ok(state: StageState) -> int:
    """Give the number of rows with a result."""
    return state.totals.status.get(STATUS_OK, 0)
