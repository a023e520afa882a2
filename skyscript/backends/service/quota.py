"""Quota: limits the requests at once and per second of all processes of this machine.

A service counts by project, not by process; so the state is kept in small files that all processes
share. A slot is a file that its holder locks: a killed process releases its slots.

The number of slots follows the service's answers. It begins near the config's limit and grows with
success: before the first refusal it doubles in the time of an answer, later it grows faster the
further it is below the ceiling. It falls when the service refuses several requests as too many (a
few may be chance): to the number that the service is working on at that moment, which is what it
accepts, but not by more than `CUT` at once. That number becomes the ceiling, which rises again with
time; so in the long run the number of slots stays at what the service accepts, and exceeds it only
now and then.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from mmap import mmap

from pipeline.atomic import content_id
from skyscript.backends.service.shared_folder import STATE, claim_folder

START, START_SHARE = 8.0, 0.75
"""Requests at once at the start: this number or this share of the config's limit, if larger."""
CUT = 0.5
"""The number of slots falls to this share at most."""
FORGOTTEN = 240.0
"""Seconds in which the ceiling rises most of the way back to the config's limit."""
ENOUGH, ENOUGH_SHARE = 2.5, 0.2
"""Refusals among the last answers (about as many as there are slots) that are not chance: this
number, or this share of the slots if it is larger."""
_FEWEST = 8.0
"""The fewest answers among which refusals are counted."""
RESTRICTED = 4.0
"""Requests at once while the project is restricted."""
RESTRICTED_FOR = 60.0
IDLE = 60.0
"""Seconds without a request after which the state is forgotten."""
BURST = 0.05
"""This share of the requests of a second may begin together; strict gaps would let slots idle."""
_POLL = 0.02
"""Seconds between two checks whether another process released a slot."""
_NUMBERS = struct.Struct("7d")


@dataclass
class _State:
    limit: float
    ceiling: float
    next_start: float
    """When the next request would begin if all had equal gaps, in seconds of the machine's
    monotonic clock."""
    last_cut: float
    last_use: float
    restricted_until: float
    refusals: float
    """Refusals among the last answers; older ones count less."""


class Quota:
    """Slots for requests to one service; make one a process for each service."""

    def __init__(self, service: str, at_once: int, a_second: float) -> None:
        self._at_once = at_once
        together = max(0.0, BURST * a_second - 1)
        self._gap = 1 / (a_second - together)
        self._early = together * self._gap
        """Seconds that a request may begin before its turn; no second has more than a_second."""
        folder = claim_folder(content_id(service.encode()))
        self._file = os.open(folder / STATE, os.O_RDWR | os.O_CREAT, 0o600)
        self._slots = [
            os.open(folder / f"slot-{number}", os.O_RDWR | os.O_CREAT, 0o600)
            for number in range(at_once)
        ]
        self._held: set[int] = set()
        self._begun: set[int] = set()
        """The held slots whose requests are on their way."""
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._freed = threading.Condition()
        fcntl.flock(self._file, fcntl.LOCK_EX)
        if os.fstat(self._file).st_size < _NUMBERS.size:
            os.ftruncate(self._file, _NUMBERS.size)
        self._memory = mmap(self._file, _NUMBERS.size)
        fcntl.flock(self._file, fcntl.LOCK_UN)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Occupy a slot from the start of a request until its answer arrives."""
        number = self._take()
        try:
            time.sleep(self._wait())
            with self._freed:
                self._begun.add(number)
            yield
        finally:
            with self._freed:
                self._begun.discard(number)
            fcntl.flock(self._slots[number], fcntl.LOCK_UN)
            with self._freed:
                self._held.discard(number)
                self._freed.notify()

    def succeeded(self) -> None:
        """Record that the service accepted a request."""
        with self._state() as state:
            state.refusals *= _memory(state)
            below = 1 - state.limit / state.ceiling
            # Before the first refusal no ceiling is known.
            growth = max(0.02, below) if state.last_cut else 1.0
            most = RESTRICTED if time.monotonic() < state.restricted_until else self._at_once
            state.limit = min(state.limit + growth, max(1.0, state.ceiling), most)

    def refused(self, begun: float) -> None:
        """Record a "too many requests" answer to a request begun at a `time.monotonic()`."""
        with self._state() as state:
            if begun <= state.last_cut:
                return  # it was sent before the last cut
            state.refusals = state.refusals * _memory(state) + 1
            if state.refusals < max(ENOUGH, ENOUGH_SHARE * state.limit):
                return
            fewer = min(state.limit - 1, max(state.limit * CUT, self._in_flight()))
            state.limit = state.ceiling = max(1.0, fewer)
            state.last_cut, state.refusals = time.monotonic(), 0.0

    def restrict(self) -> None:
        """Record that the service restricts the project for some time."""
        with self._state() as state:
            state.restricted_until = time.monotonic() + RESTRICTED_FOR
            state.limit = min(state.limit, RESTRICTED)

    def at_once(self) -> float:
        """Give how many requests at once the service accepts, as far as is known."""
        with self._state() as state:
            return state.limit

    def _take(self) -> int:
        with self._turn:  # one thread looks for a slot, the others wait in line
            while (number := self._free()) is None:
                with self._freed:
                    self._freed.wait(_POLL)
        return number

    def _free(self) -> int | None:
        most = int(self.at_once())
        with self._freed:
            if len(self._held) >= most:
                return None
            for number in range(most):
                if number in self._held:
                    continue
                try:
                    fcntl.flock(self._slots[number], fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                self._held.add(number)
                return number
        return None

    def _in_flight(self) -> int:
        """Count the requests on their way: ours, and the slots that other processes hold."""
        with self._freed:
            count = len(self._begun)
            for number, slot in enumerate(self._slots):
                if number in self._held:
                    continue
                try:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    count += 1
                else:
                    fcntl.flock(slot, fcntl.LOCK_UN)
        return count

    def _wait(self) -> float:
        """Reserve a start time for the request and give the seconds until then."""
        with self._state() as state:
            now = time.monotonic()
            begin = max(now, state.next_start - self._early)
            state.next_start = max(begin, state.next_start) + self._gap
            share = min(1.0, max(0.0, begin - state.last_use) / FORGOTTEN)
            state.ceiling += (self._at_once - state.ceiling) * share
            state.last_use = begin
            return begin - now

    @contextmanager
    def _state(self) -> Iterator[_State]:
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                state = _State(*_NUMBERS.unpack_from(self._memory))
                now = time.monotonic()
                # A new file (zeros) and times from before the machine's last start count as idle.
                if state.limit < 1 or not now - IDLE < state.last_use < now + IDLE:
                    begin = min(self._at_once, max(START, START_SHARE * self._at_once))
                    state = _State(begin, self._at_once, now, 0, now, 0, 0)
                state.limit = min(state.limit, self._at_once)
                yield state
                _NUMBERS.pack_into(self._memory, 0, *astuple(state))
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)


def _memory(state: _State) -> float:
    return 1 - 1 / max(state.limit, _FEWEST)
