"""Prints the state of a run, for `skyscript status`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from pipeline import disabled_stages
from pipeline.progress import print_plainly
from pipeline.run import Run
from pipeline.stage import Stage
from pipeline.state import count_errors
from pipeline.storage import matching
from pipeline.summary import StageState, count_ok, stage_states, summarise
from stages import RECIPES

_WORDS = {"complete": "yes", "stale": "stale", "incomplete": "no", "left out": "left out"}


def print_status(run: Run, *, as_json: bool) -> None:
    """Print the state of a run, as a table or as JSON."""
    recipe, worker = _recipe_of(run), run.worker()
    if as_json:
        summary = summarise(recipe, run, working=worker is not None)
        print_plainly(json.dumps({"working": worker, **summary}, indent=1))
        return
    grid = Grid("stage", "parts", "rows", "ok", "complete", "not ok", box=None)
    states = list(stage_states(recipe, run, working=worker is not None))
    for state in states:
        grid.add_row(*(escape(cell) for cell in _cells(state)))
    Console().print(grid)
    for line in _lines_below(recipe, run, states, worker):
        print_plainly(line)


def unfinished(run: Run) -> list[str]:
    """Give a line for each table of a run that is missing, not complete or out of date."""
    lines = []
    for state in stage_states(_recipe_of(run), run, working=False):
        parts = f"{state.parts:,} parts with {state.totals.rows:,} rows"
        expected = f" of {state.expected:,}" if state.expected is not None else ""
        if state.state == "incomplete":
            lines.append(f"{state.stage}: not complete, {parts}{expected}")
        elif state.state == "stale":
            lines.append(f"{state.stage}: out of date, its inputs have changed since")
    return lines


def _recipe_of(run: Run) -> Sequence[Stage]:
    """Give the recipe that made a run: the one with the most of its tables."""
    tables = {path.name for path in matching(run.root / "tables", "*")}
    return max(
        RECIPES.values(), key=lambda recipe: len(tables & {stage.writes.name for stage in recipe})
    )


def _cells(state: StageState) -> list[str]:
    if state.state == "left out":
        return [state.stage, "", "", "", _WORDS[state.state]]
    rows = f"{state.totals.rows:,}"
    if state.expected is not None and state.expected != state.totals.rows:
        rows += f" of {state.expected:,}"
    reasons = "; ".join(f"{count:,} {reason}" for reason, count in state.totals.reasons.items())
    complete = _WORDS[state.state]
    return [state.stage, f"{state.parts}", rows, f"{count_ok(state):,}", complete, reasons]


def _lines_below(
    recipe: Sequence[Stage], run: Run, states: Sequence[StageState], worker: str | None
) -> list[str]:
    """Give the lines on who works, how fast, and which classes of failure there are."""
    lines = [] if worker is None else [f"working   {worker}"]
    for state in states:
        if state.rate is not None:
            left = state.seconds_left
            rest = "" if left is None else f", {timedelta(seconds=round(left))} left"
            lines.append(f"rate      {state.stage}: {state.rate:,.1f} rows a second{rest}")
    used = disabled_stages.find_used(recipe, run.disabled_stages())
    if errors := count_errors(used, run):
        classes = ", ".join(f"{count:,} {error}" for error, count in errors.most_common())
        lines.append(f"failed    {classes}; skyscript run --retry-only CLASS tries them again")
    return lines
