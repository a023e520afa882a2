"""Calls to a service that survive the errors that pass; every backend that asks one uses them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from pipeline.errors import InputError
from skyscript.backends.service.circuit_breaker import Breaker
from skyscript.imagery.protocol import Gone, NotNow, Problem

ATTEMPTS = 6
HEAVY_ATTEMPTS = 2
"""Of a computation that was too large or too slow: the service may have been busy, once."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds; the wait before a retry is drawn between 0 and twice the last one's bound."""

_NOT_DOWN = (Problem.BUSY, Problem.UNREADABLE)
"""What passes and yet says nothing against the service's health."""

Answer = TypeVar("Answer")


class Kind(Enum):
    """What to do about an error."""

    TRANSIENT = "try again"
    HEAVY = "try again once"
    PERMANENT = "try the next image"
    FATAL = "stop the run"


@dataclass(frozen=True)
class Verdict:
    """What an error means."""

    kind: Kind
    problem: Problem
    reason: str
    """Becomes the reason of a row; of what is fatal, the sentence that the user reads."""
    status: int | None = None
    """HTTP's, where there was an answer."""


@dataclass
class Tally:
    """What the requests for one tile came to."""

    attempts: int = 0
    status: int | None = None
    """HTTP's, of the last one that was not answered as it should be."""


_tally: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def tallied() -> Iterator[Tally]:
    """Count the attempts that this thread makes."""
    tally = Tally()
    token = _tally.set(tally)
    try:
        yield tally
    finally:
        _tally.reset(token)


def persistently(
    call: Callable[[], Answer],
    classify: Callable[[Exception], Verdict],
    breaker: Breaker,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Make a call, again and again while its error is one that passes.

    Whoever waits holds no slot. Raises `NotNow` where the error does not pass, `Gone` where no
    repeat can help, and `InputError` where no call at all can work: without an account, say.
    ``classify`` raises again what it does not know.
    """
    bound, tally = FIRST_WAIT, _tally.get() or Tally()
    for attempt in range(1, ATTEMPTS + 1):
        tally.attempts += 1
        try:
            answer = call()
        except Exception as error:
            verdict = classify(error)
            tally.status = verdict.status
            if verdict.kind is Kind.FATAL:
                raise InputError(verdict.reason) from error
            passes = verdict.kind is Kind.TRANSIENT
            breaker.note(passes and verdict.problem not in _NOT_DOWN, verdict.reason)
            is_last_try = verdict.kind is Kind.HEAVY and attempt == HEAVY_ATTEMPTS
            if verdict.kind is Kind.PERMANENT or is_last_try:
                raise Gone(verdict.reason, verdict.problem) from error
            if attempt == ATTEMPTS:
                raise NotNow(f"{verdict.reason}, {ATTEMPTS} times", verdict.problem) from error
            sleep(random.uniform(0, bound))  # not of the result: only of when
            bound = min(2 * bound, LONGEST_WAIT)
        else:
            breaker.note(False)
            return answer
    raise AssertionError("the last attempt returns or raises")


def first_line(message: str) -> str:
    """Keep the first line of a message, without its full stop, short enough for a reason."""
    line = message.strip().splitlines()[0].rstrip(".") if message.strip() else "no message"
    return line if len(line) <= 160 else line[:157] + "..."
