"""Shows events: as bars on a terminal, else as one log line a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape
from rich.progress import (
    BarColumn,
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
    TaskProgress,
    name_reasons,
)

LINE_EVERY = 60.0
"""Seconds between two log lines about a task, if there is no terminal."""

console = Console(stderr=True, highlight=False)
log = logging.getLogger("skyscript")


@dataclass
class _Task:
    """A stage, a training or a file in progress."""

    name: str
    total: int | None
    unit: Literal["rows", "parts", "steps", "bytes"]
    phase: str = ""
    begun_at: int = 0
    """The part of ``total`` that an earlier command had done."""
    done: int = 0
    rows: int = 0
    note: str = ""
    bar: TaskID | None = None
    changed: bool = True
    """Whether something happened since the last log line."""
    begun: float = field(default_factory=time.monotonic)

    def line(self) -> str:
        """Give the state in a log line."""
        seconds = time.monotonic() - self.begun
        parts = [self.amount(), self.rate(), self.note]
        return f"{self.title()}: {', '.join(filter(None, parts))}, {seconds:.0f} s"

    def title(self) -> str:
        return f"{self.phase} {self.name}".strip()

    def amount(self) -> str:
        """Give the amount done and, if known, the total."""
        scale, unit = (1e6, "MB") if self.unit == "bytes" else (1, self.unit)
        total = "" if self.total is None else f" of {self.total / scale:,.0f}"
        return f"{self.done / scale:,.0f}{total} {unit}"

    def rate(self) -> str:
        seconds = time.monotonic() - self.begun
        now = self.done - self.begun_at
        if self.unit == "bytes" and now and seconds:
            return f"{now / 1e6 / seconds:,.1f} MB/s"
        return f"{self.rows / seconds:,.0f} rows/s" if self.rows and seconds else ""


class Display:
    """Shows the events of one command. Events may come from several threads."""

    def __init__(self, bars: Progress | None) -> None:
        self._bars = bars
        self._tasks: dict[str, _Task] = {}
        self._left_out: list[str] = []
        """Names of the disabled stages that were not shown yet."""
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        with self._lock:
            if not isinstance(event, StageDisabled):
                self._say_left_out()
            match event:
                case StageStarted():
                    self._start_stage(event)
                case StageDisabled():
                    names = ", ".join([event.stage, *event.along])
                    self._left_out.append(names)
                    log.debug("left out: %s: %s", names, event.why)
                case ShardFinished() | ShardFailed():
                    self._count_shard(event)
                case StageFinished():
                    self._end(event.stage)
                    log.info("%-10s %9s rows  %s", event.stage, f"{event.rows:,}", _outcome(event))
                case TaskProgress():
                    self._advance(event)

    def _say_left_out(self) -> None:
        if self._left_out:
            log.info("left out: %s (-v says why)", ", ".join(self._left_out))
            self._left_out = []

    def log_lines(self) -> None:
        """Log the state of each task that changed since the last time."""
        with self._lock:
            for task in self._tasks.values():
                if task.changed:
                    log.info("%s", task.line())
                task.changed = False

    def _start_stage(self, event: StageStarted) -> None:
        if event.why == "done":
            return
        if event.why != "first run":
            log.info("%s: %s", event.stage, event.why)
        if event.shards is None:
            self._begin(_Task(event.stage, None, "rows"))
        elif event.rows is None:
            self._begin(_Task(event.stage, event.shards - event.done, "parts"))
        else:
            self._begin(_Task(event.stage, event.rows, "rows"))

    def _count_shard(self, event: ShardFinished | ShardFailed) -> None:
        task = self._tasks[event.stage]
        made = event.rows if isinstance(event, ShardFinished) else 0
        task.done += 1 if task.unit == "parts" else (event.rows_read or made)
        if isinstance(event, ShardFailed):
            log.error("%s shard %d failed: %s", event.stage, event.shard, event.error)
        else:
            task.rows += event.rows
            seconds = f"{event.seconds:.1f} s"
            log.debug("%s part %d: %s rows, %s", event.stage, event.shard, event.rows, seconds)
        self._draw(task)

    def _advance(self, event: TaskProgress) -> None:
        task = self._tasks.get(event.task)
        if task is None or task.phase != event.phase:
            self._end(event.task)
            task = _Task(event.task, event.total, event.unit, event.phase, event.done)
            self._begin(task)
        task.done, task.total, task.note = event.done, event.total, event.note
        self._draw(task)
        if event.total is not None and event.done >= event.total:
            self._end(event.task)
            if event.note:
                log.info("%s", task.line())

    def _begin(self, task: _Task) -> None:
        self._tasks[task.name] = task
        if self._bars:
            title = escape(f"{task.title():10}")
            task.bar = self._bars.add_task(title, total=task.total, state="")

    def _draw(self, task: _Task) -> None:
        task.changed = True
        if self._bars and task.bar is not None:
            state = "  ".join(filter(None, [task.amount(), task.rate(), task.note]))
            self._bars.update(task.bar, completed=task.done, total=task.total, state=state)

    def _end(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if self._bars and task is not None and task.bar is not None:
            self._bars.remove_task(task.bar)


def _outcome(event: StageFinished) -> str:
    """Describe the result of a stage: ok rows, reasons for the others, seconds."""
    from pipeline.schema import STATUS_OK  # imports pyarrow, which --help does not need

    ok = event.status.get(STATUS_OK, 0)
    parts = [] if ok == event.rows else [f"{ok:,} ok"]
    parts += name_reasons(event.reasons)
    parts.append(f"{event.seconds:.1f} s" if event.ran else "already done")
    return ", ".join(parts)


@contextmanager
def display() -> Iterator[Display]:
    """Give a function that shows events: bars on a terminal, else a log line a minute."""
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bars:
            yield Display(bars)
        return
    plain, ended = Display(None), threading.Event()

    def log_every_minute() -> None:
        while not ended.wait(LINE_EVERY):
            plain.log_lines()

    threading.Thread(target=log_every_minute, daemon=True).start()
    try:
        yield plain
    finally:
        ended.set()


def set_up_logging(level: int = logging.INFO) -> None:
    """Send the log to the console of the bars on a terminal, else as plain lines to stderr.

    ``level`` is the least level that the console shows; the log file of a run gets all of ours.
    """
    handler: logging.Handler = logging.StreamHandler()
    if console.is_terminal:
        handler = RichHandler(console=console, show_path=False, show_level=False, show_time=False)
    handler.setLevel(level)
    logging.basicConfig(format="%(message)s", handlers=[handler])
    for ours in ("skyscript", "pipeline", "stages"):
        logging.getLogger(ours).setLevel(logging.DEBUG)
    for theirs in ("stamina", "urllib3"):  # they log each retry; our own messages are enough
        logging.getLogger(theirs).setLevel(logging.ERROR)


def print_plainly(text: str) -> None:
    """Print text to standard output unchanged; long lines are not wrapped."""
    Console(highlight=False, soft_wrap=True).print(text, markup=False)
