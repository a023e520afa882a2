"""A service by a virtual clock: what share of its quota a run uses, in milliseconds of real time.

Requests last `LATENCY`; more at once than the cap are refused at once; some fail at random. The
clients are as many threads as a backend has (twice its slots), with the quota and the waits of the
real retries.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from skyscript.backends.service import quota as quotas
from skyscript.backends.service import retry
from skyscript.backends.service.circuit_breaker import Breaker

LATENCY = 0.5


@dataclass
class Run:
    """How a run went."""

    seconds: float
    answers: Counter[str] = field(default_factory=Counter)

    def share(self, tiles: int, cap: int, faults: float) -> float:
        """Of the ideal: every slot is always busy, and only failed requests are repeated."""
        return tiles / (self.seconds * cap / LATENCY * (1 - faults))


class VirtualService:
    """Plays a run of some tiles."""

    def __init__(self, cap: int, faults: float, seed: int = 0) -> None:
        self.cap, self.faults = cap, faults
        self._random = random.Random(seed)
        self.now = 1000.0
        self._events: list[tuple[float, int, Any]] = []
        self._count = 0

    def run(self, quota: quotas.Quota, tiles: int, monkeypatch: pytest.MonkeyPatch) -> Run:
        monkeypatch.setattr(quotas.time, "monotonic", lambda: self.now)
        result, begun = Run(0.0), self.now
        waiting, ready, held, busy, done = tiles, [], 0, 0, 0
        breaker = Breaker()
        free_threads = 2 * len(quota._slots)
        monkeypatch.setattr(quota, "_in_flight", lambda: busy)
        while done < tiles:
            while free_threads and waiting:
                free_threads, waiting = free_threads - 1, waiting - 1
                ready.append(0)
            while ready and held < int(quota.at_once()):
                self._at(self.now + quota._wait(), ("begin", ready.pop(0)))
                held += 1
            self.now, _, event = heapq.heappop(self._events)
            match event:
                case ("begin", failures):
                    admitted = busy < self.cap
                    busy += admitted
                    self._at(self.now + LATENCY * admitted, ("end", failures, admitted, self.now))
                case ("end", failures, admitted, start):
                    held, busy = held - 1, busy - admitted
                    answer = self._answer() if admitted else "429"
                    result.answers[answer] += 1
                    if answer == "429":
                        quota.refused(start)
                    elif answer in ("200", "cut", "garbage"):
                        quota.succeeded()
                    breaker.note(answer not in ("200", "429"), busy=answer == "429")
                    if answer == "200" or failures + 1 == retry.ATTEMPTS:
                        done, free_threads = done + 1, free_threads + 1
                        continue
                    bound = retry.longest_wait(failures + 1, breaker)
                    self._at(self.now + self._random.uniform(0, bound), ("again", failures + 1))
                case ("again", failures):
                    ready.append(failures)
        result.seconds = self.now - begun
        return result

    def _answer(self) -> str:
        if self._random.random() >= self.faults:
            return "200"
        return self._random.choice(("503", "500", "cut", "garbage", "429"))

    def _at(self, time: float, event: Any) -> None:
        self._count += 1
        heapq.heappush(self._events, (time, self._count, event))
