"""Circuit breaker: stops the run when the service is down, instead of retrying forever."""

from __future__ import annotations

import threading
from collections import deque

from pipeline.errors import InputError


class Breaker:
    """Counts failures among the last attempts; safe to share among threads."""

    def __init__(self, window: int = 100, share: float = 0.5) -> None:
        self._recent: deque[bool] = deque(maxlen=window)
        self._share = share
        self._lock = threading.Lock()

    def note(self, failed: bool, reason: str = "") -> None:
        """Record an attempt; raises `InputError` when too many of the last ones failed."""
        with self._lock:
            self._recent.append(failed)
            full = len(self._recent) == self._recent.maxlen
            count = sum(self._recent)
            if full and count > self._share * len(self._recent):
                self._recent.clear()
                raise InputError(
                    f"{count} of the last {self._recent.maxlen} requests failed ({reason}): the "
                    "service or the network is down. What is fetched stays; run the same command "
                    "again later."
                )
