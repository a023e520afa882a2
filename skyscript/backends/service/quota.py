"""How many requests a service gets at once and a second, from all processes of this machine.

A service counts by project, not by process; so the count is kept in small files that all processes
share. A slot is a file that its holder locks: a process that is killed lets go of its slots.

How many slots there are follows the service's answers: the number grows with success, faster the
further it is below the last known ceiling, and falls by `CUT` when the service says "too many" a
few times over (once may be chance). The ceiling itself rises again with time, so that in the long
run the number stays just below what the service takes, and tries more only now and then.
"""

from __future__ import annotations

import fcntl
import os
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from mmap import mmap
from pathlib import Path

from pipeline.atomic import content_id

START, START_SHARE = 8.0, 0.5
"""Requests at once to begin with: so many, or this share of what the config allows."""
CUT = 0.7
CEILING = 0.9
"""What counts as the ceiling after a refusal, of the number at which it came."""
FORGOTTEN = 120.0
"""Seconds in which the ceiling comes most of the way back to what the config allows."""
ENOUGH = 2.5
"""Refusals among about the last answers, as many as there are slots, that are no chance."""
_FEWEST = 8.0
"""Answers that are looked back on, at least."""
RESTRICTED = 4.0
"""Requests at once while the service says that the project is restricted."""
RESTRICTED_FOR = 60.0
IDLE = 60.0
"""Seconds without a request after which what was learnt no longer counts."""
_POLL = 0.02
"""Seconds between two looks whether another process let a slot go."""
_NUMBERS = struct.Struct("7d")


@dataclass
class _State:
    limit: float
    ceiling: float
    next_start: float
    """When the next request may begin, in seconds of the machine's monotonic clock."""
    last_cut: float
    last_use: float
    restricted_until: float
    refusals: float
    """Among the last answers, those further back counting less."""


class Quota:
    """Slots for requests to one service; make one a process for each service."""

    def __init__(self, service: str, at_once: int, a_second: float) -> None:
        self._at_once, self._a_second = at_once, a_second
        folder = _folder(service)
        self._file = os.open(folder / "state", os.O_RDWR | os.O_CREAT, 0o600)
        self._slots = [
            os.open(folder / f"slot-{number}", os.O_RDWR | os.O_CREAT, 0o600)
            for number in range(at_once)
        ]
        self._held: set[int] = set()
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._freed = threading.Condition()
        fcntl.flock(self._file, fcntl.LOCK_EX)
        if os.fstat(self._file).st_size < _NUMBERS.size:
            os.ftruncate(self._file, _NUMBERS.size)
        self._memory = mmap(self._file, _NUMBERS.size)
        fcntl.flock(self._file, fcntl.LOCK_UN)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot from when the request may begin until its answer is there."""
        number = self._take()
        try:
            time.sleep(self._wait())
            yield
        finally:
            fcntl.flock(self._slots[number], fcntl.LOCK_UN)
            with self._freed:
                self._held.discard(number)
                self._freed.notify()

    def succeeded(self) -> None:
        """Learn that the service took a request."""
        with self._state() as state:
            state.refusals *= _memory(state)
            below = 1 - state.limit / state.ceiling
            # Before the first refusal nothing is known of a ceiling.
            growth = max(0.02, below) if state.last_cut else 1.0
            most = RESTRICTED if time.monotonic() < state.restricted_until else self._at_once
            state.limit = min(state.limit + growth, max(1.0, state.ceiling), most)

    def refused(self, begun: float) -> None:
        """Learn that the service found a request, begun at a monotonic time, one too many."""
        with self._state() as state:
            if begun <= state.last_cut:
                return  # it was on its way before the number fell
            state.refusals = state.refusals * _memory(state) + 1
            if state.refusals < ENOUGH:
                return
            state.ceiling = max(1.0, state.limit * CEILING)
            state.limit = max(1.0, state.limit * CUT)
            state.last_cut, state.refusals = time.monotonic(), 0.0

    def restrict(self) -> None:
        """Learn that the service gives the project less for now."""
        with self._state() as state:
            state.restricted_until = time.monotonic() + RESTRICTED_FOR
            state.limit = min(state.limit, RESTRICTED)

    def at_once(self) -> float:
        """Give how many requests at once the service takes, as far as is known."""
        with self._state() as state:
            return state.limit

    def _take(self) -> int:
        with self._turn:  # one thread looks for a slot, the others queue behind it
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

    def _wait(self) -> float:
        """Give the seconds to wait for the request's turn, and take the turn."""
        with self._state() as state:
            now = time.monotonic()
            begin = max(now, state.next_start)
            state.next_start = begin + 1 / self._a_second
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
                # Zeros of a new file, and times of before the machine last started, are idle too.
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


def _folder(service: str) -> Path:
    """Give the folder that this user's processes share for a service."""
    base = Path(tempfile.gettempdir()) / f"skyscript-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    if base.stat().st_uid != os.getuid():
        base = Path(tempfile.mkdtemp(prefix="skyscript-"))  # somebody else's: share with nobody
    folder = base / content_id(service.encode())
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
