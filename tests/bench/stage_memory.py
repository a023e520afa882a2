"""What each stage of an extraction takes: CPU of all processes, and memory.

``python -m tests.bench.stage_memory FILE FOLDER WORKERS`` extracts an OSM file and prints a line
for each stage. A process's own memory is told apart from pages of mapped files, which the system
takes back when it needs them: such pages are the places of nodes, and the code of libraries.
"""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.events import Event, StageFinished, StageStarted
from tests.bench.extract_peers import ours

EVERY = 0.05
"""Seconds between two looks at the processes."""
_TICK = os.sysconf("SC_CLK_TCK")
_USER, _USER_OF_CHILDREN = 11, 13
"""Fields of /proc/PID/stat after the name."""


class Peak(NamedTuple):
    """The most MB at any time."""

    run: float = 0
    """Of its own, of the process that runs the stages."""
    other: float = 0
    """Of its own, of the largest other process: a worker, or the child for libosmium."""
    together: float = 0
    """Of their own, of all processes."""
    mapped: float = 0
    """Of mapped files, of one process."""


class StageMemory:
    """Takes the events of a run in this process, and watches the process and its descendants.

    Prints a line for each stage that ends.
    """

    def __init__(self) -> None:
        self._peak, self._user = Peak(), 0.0
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> "StageMemory":
        """Begin to watch."""
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ended.set()
        self._watch.join()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, StageStarted):
            self._peak, self._user = Peak(), user_seconds()
        elif isinstance(event, StageFinished):
            self._look()
            peak, user = self._peak, user_seconds() - self._user
            print(
                f"{event.stage:8} {user:7.1f} user s {event.seconds:7.1f} wall s, "
                f"load {os.getloadavg()[0]:2.0f}; own MB: {peak.run:6,.0f} the run, "
                f"{peak.other:6,.0f} the largest other, {peak.together:6,.0f} all; "
                f"mapped {peak.mapped:6,.0f}; {event.rows:,} rows",
                flush=True,
            )

    def _look_on(self) -> None:
        while not self._ended.wait(EVERY):
            self._look()

    def _look(self) -> None:
        (run, mapped), *others = map(_memory, processes(os.getpid()))
        own = [each for each, _ in others]
        now = Peak(run, max(own, default=0), run + sum(own), max([mapped, *(m for _, m in others)]))
        self._peak = Peak(*map(max, self._peak, now))


def processes(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it has ended
            continue
        for child in children:
            yield from processes(int(child))


def user_seconds() -> float:
    """Give the CPU seconds of this process and its descendants, also of those that have ended."""
    ticks = 0
    for pid in processes(os.getpid()):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[_USER]) + int(fields[_USER_OF_CHILDREN])
    return ticks / _TICK


def _memory(pid: int) -> tuple[float, float]:
    """Give MB that a process has of its own, and of mapped files."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    values = dict(line.split(":", 1) for line in lines)
    own, mapped = (values.get(name, "0").split()[0] for name in ("RssAnon", "RssFile"))
    return int(own) / 1024, int(mapped) / 1024


if __name__ == "__main__":
    source, target, workers = sys.argv[1:]
    with StageMemory() as watched:
        rows = ours(Path(source), Path(target), int(workers), watched)
    print(f"{rows:,} objects of {source}")
