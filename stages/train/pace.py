"""Measures how long steps take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """Measures the duration of some steps, and the part of it spent waiting for data."""

    def __init__(self) -> None:
        self.steps, self.waited = 0, 0.0
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the first of these steps began, without pauses."""
        return max(time.monotonic() - self._start, 1e-9)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time inside this context as waiting for data."""
        start = time.monotonic()
        yield
        self.waited += time.monotonic() - start

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the time inside this context (evaluation and saving)."""
        start = time.monotonic()
        yield
        self._start += time.monotonic() - start
