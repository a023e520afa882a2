"""Draws a run's events: bars on a terminal, a plain line a minute elsewhere."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipeline.events import (
    Event,
    ShardFailed,
    ShardFinished,
    StageDisabled,
    StageFinished,
    StageStarted,
)
from pipeline.schema import STATUS_OK

LINE_EVERY = 60.0
"""Seconds between two lines of progress where there is no terminal."""

console = Console(stderr=True, highlight=False)
log = logging.getLogger("skyscript")


class Display:
    """What a run is at, drawn as events come."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._running: StageStarted | None = None
        self._begun = 0.0
        self._parts = self._rows = 0

    def __call__(self, event: Event) -> None:
        """Draw an event."""
        match event:
            case StageStarted():
                self._start(event)
            case StageDisabled():
                names = ", ".join([event.stage, *event.along])
                log.info("left out: %s: %s", names, event.why)
            case ShardFinished() | ShardFailed():
                self._step(event)
            case StageFinished():
                self._finish(event)

    def line(self) -> None:
        """Log where the running stage is."""
        if self._running is None:
            return
        parts = f"{self._parts:,}"
        if self._running.shards is not None:
            parts += f" of {self._running.shards - self._running.done:,}"
        seconds = time.monotonic() - self._begun
        log.info("%s: %s parts, %s, %.0f s", self._running.stage, parts, self._rate(), seconds)

    def _rate(self) -> str:
        seconds = time.monotonic() - self._begun
        return f"{self._rows / seconds:,.0f} rows/s" if self._rows and seconds else ""

    def _start(self, event: StageStarted) -> None:
        if event.why == "done":
            return
        self._running, self._begun = event, time.monotonic()
        self._parts = self._rows = 0
        if event.why != "first run":
            log.info("%s: %s", event.stage, event.why)
        if self._progress:
            self._task = self._progress.add_task(
                event.stage, total=event.shards, completed=event.done, rate=""
            )

    def _step(self, event: ShardFinished | ShardFailed) -> None:
        self._parts += 1
        if isinstance(event, ShardFailed):
            log.error("%s shard %d failed: %s", event.stage, event.shard, event.error)
        else:
            self._rows += event.rows
        if self._progress and self._task is not None:
            self._progress.update(self._task, advance=1, rate=self._rate())

    def _finish(self, event: StageFinished) -> None:
        self._running = None
        if self._progress and self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        log.info("%-10s %9s rows  %s", event.stage, f"{event.rows:,}", _outcome(event))


def _outcome(event: StageFinished) -> str:
    """Say in a line what came of a stage: kept, dropped with the reasons, time."""
    kept = event.status.get(STATUS_OK, 0)
    parts = [] if kept == event.rows else [f"{kept:,} ok"]
    parts += [f"{count:,} {reason}" for reason, count in list(event.reasons.items())[:4]]
    if len(event.reasons) > 4:
        parts.append(f"{len(event.reasons) - 4} more reasons")
    parts.append(f"{event.seconds:.1f} s" if event.ran else "already done")
    return ", ".join(parts)


@contextmanager
def display() -> Iterator[Display]:
    """Give what draws a run here, on a terminal or not."""
    if console.is_terminal:
        columns = (
            TextColumn("{task.description:10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            yield Display(progress)
        return
    plain, ended = Display(None), threading.Event()

    def beat() -> None:
        while not ended.wait(LINE_EVERY):
            plain.line()

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield plain
    finally:
        ended.set()


def set_up_logging() -> None:
    """Send the log to the terminal's console, or plainly to standard error."""
    handler: logging.Handler = logging.StreamHandler()
    if console.is_terminal:
        handler = RichHandler(console=console, show_path=False, show_level=False, show_time=False)
    logging.basicConfig(format="%(message)s", handlers=[handler])
    for ours in ("skyscript", "pipeline", "stages"):
        logging.getLogger(ours).setLevel(logging.INFO)
    for theirs in ("stamina", "urllib3"):  # a line for each retry; what comes of it, we say
        logging.getLogger(theirs).setLevel(logging.ERROR)


def print_plainly(text: str) -> None:
    """Print text as it is, however long its lines."""
    Console(highlight=False, soft_wrap=True).print(text, markup=False)
