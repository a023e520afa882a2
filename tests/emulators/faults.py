"""What can go wrong with a service: quotas, errors, broken and slow bodies."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BROKEN = frozenset({"hang", "cut", "slow"})
"""No answer; a body that ends early; one that comes a few bytes at a time. The other faults are an
HTTP status (429, 500, 503); garbage, a whole body that is no image; memory, timeout and
crowded, a 400 as Earth Engine says it."""


@dataclass
class Faults:
    """How a server behaves; tests change it while it runs."""

    latency: float = 0.0
    """Seconds that each answer takes."""
    cap: int | None = None
    """Requests at once; more get 429."""
    rate: float | None = None
    """Requests a second; more get 429."""
    share: float = 0.0
    """Of requests that go wrong at random, in one of the ``kinds``."""
    kinds: tuple[str, ...] = ("503", "500", "cut", "garbage", "429")
    planned: deque[str] = field(default_factory=deque)
    """Faults of the next requests for pixels, one each."""
    restricted: bool = False
    """Every answer says that the project is over its compute quota."""
    seed: int = 0


@dataclass(frozen=True)
class Call:
    """A request that the server has answered."""

    method: str
    """getPixels, listAssets ..."""
    status: int
    at: float
    """Seconds, monotonic, when it came."""


class Desk:
    """Counts what comes in and decides what goes wrong."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.calls: list[Call] = []
        self.most_at_once = 0
        self._at_once = 0
        self._recent: deque[float] = deque()
        self._random = random.Random(faults.seed)
        self._lock = threading.Lock()

    @contextmanager
    def admitted(self) -> Iterator[bool]:
        """Hold a place while a request is answered; false where it is one too many."""
        now = time.monotonic()
        with self._lock:
            while self._recent and self._recent[0] <= now - 1:
                self._recent.popleft()
            over_rate = self.faults.rate is not None and len(self._recent) >= self.faults.rate
            over_cap = self.faults.cap is not None and self._at_once >= self.faults.cap
            admitted = not over_rate and not over_cap
            if admitted:
                self._recent.append(now)
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield admitted
        finally:
            if admitted:
                with self._lock:
                    self._at_once -= 1

    def fault(self) -> str | None:
        """Say what shall go wrong with this request for pixels."""
        with self._lock:
            if self.faults.planned:
                return self.faults.planned.popleft()
            if self._random.random() < self.faults.share:
                return self._random.choice(self.faults.kinds)
            return None

    def note(self, method: str, status: int, at: float) -> None:
        """Keep account of an answer."""
        with self._lock:
            self.calls.append(Call(method, status, at))

    def count(self, method: str) -> Counter[int]:
        """Count the answers to a method by status."""
        return Counter(call.status for call in self.calls if call.method == method)
