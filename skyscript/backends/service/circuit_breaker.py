"""Circuit breaker: stops the run when the service is down, instead of retrying forever."""

from __future__ import annotations

import threading
from collections import deque

from pipeline.errors import InputError


class Breaker:
    """Counts failures among the last attempts; safe to share among threads.

    Many "too many requests" answers are normal while a quota is being found out; hardly anything
    else for long means that it is used up.
    """

    def __init__(self, window: int = 100, share: float = 0.5, busy_share: float = 0.95) -> None:
        self._failed = _Recent(window, share)
        self._busy = _Recent(2 * window, busy_share)
        self._lock = threading.Lock()

    def note(self, failed: bool, reason: str = "", *, busy: bool = False) -> None:
        """Record an attempt; raises `InputError` when too many of the last ones failed."""
        with self._lock:
            if count := self._failed.note(failed):
                raise InputError(
                    f"{count} of the last {self._failed.window} requests failed ({reason}): the "
                    f"service or the network is down. {_LATER}"
                )
            if count := self._busy.note(busy):
                raise InputError(
                    f"{count} of the last {self._busy.window} requests were too many ({reason}): "
                    f"the quota is used up, or others use it too. {_LATER}"
                )

    def trouble(self) -> float:
        """Give the share of the last attempts that failed or were too many."""
        with self._lock:
            return min(1.0, self._failed.share() + self._busy.share())


_LATER = "What is fetched stays; run the same command again later."


class _Recent:
    """The last attempts of one kind."""

    def __init__(self, window: int, share: float) -> None:
        self.window, self._most = window, share
        self._recent: deque[bool] = deque(maxlen=window)

    def share(self) -> float:
        """Give the share of hits; while little is known, as if one more attempt were a hit."""
        return (sum(self._recent) + 1) / (len(self._recent) + 1)

    def note(self, hit: bool) -> int:
        """Record an attempt; gives the number of hits if they are too many, and forgets them."""
        self._recent.append(hit)
        count = sum(self._recent)
        if len(self._recent) < self.window or count <= self._most * self.window:
            return 0
        self._recent.clear()
        return count
