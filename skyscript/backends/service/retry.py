"""Retries for transient service errors: one policy, shared by all remote backends.

A call is made up to `ATTEMPTS` times. The wait before each retry is drawn between 0 and a bound
that starts at `FIRST_WAIT` and doubles up to `LONGEST_WAIT`; it is shorter while most other
requests succeed, because then the service is not down and needs no rest. `retry` does this for the
calls that we make ourselves; `http_retries` and `gdal_retries` give the same policy to
pystac-client and to GDAL, whose single requests we do not see.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import InputError
from skyscript.backends.service.circuit_breaker import Breaker
from skyscript.imagery.protocol import NeverAvailable, Problem, TryLater

if TYPE_CHECKING:
    from urllib3 import Retry

ATTEMPTS = 6
HEAVY_ATTEMPTS = 2
"""Attempts at a computation that was too large or too slow: the service may have been busy."""
READ_RETRIES = 3
"""Retries of one range request within an attempt to read a tile: a tile takes several of them."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds."""
LEAST_SHARE = 0.1
"""Waits are this share of their bound at least; they are whole where all other requests fail."""
TOO_MANY = 429
SERVER_FAILURES = (500, 502, 503, 504)
"""HTTP statuses of a server that failed."""

_NOT_DOWN = (Problem.BUSY, Problem.UNREADABLE)
"""Transient problems that do not count as an outage of the service."""

Answer = TypeVar("Answer")


class ErrorClass(Enum):
    """What to do about an error."""

    TRANSIENT = "try again"
    HEAVY = "try again once"
    PERMANENT = "do not try again"
    FATAL = "stop the run"


@dataclass(frozen=True)
class Outcome:
    """What an error means."""

    error_class: ErrorClass
    problem: Problem
    reason: str
    """Becomes the reason of a row. Of a fatal error: the sentence that the user reads."""
    status: int | None = None
    """The HTTP status, where the service answered."""


@dataclass
class Tally:
    """The requests for one tile."""

    attempts: int = 0
    status: int | None = None
    """The HTTP status of the last request that failed."""


_tally: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def count_attempts() -> Iterator[Tally]:
    """Count the attempts that this thread makes."""
    tally = Tally()
    token = _tally.set(tally)
    try:
        yield tally
    finally:
        _tally.reset(token)


def retry(
    call: Callable[[], Answer],
    classify: Callable[[Exception], Outcome],
    breaker: Breaker,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Make a call, and make it again while its error is transient.

    A thread that waits for its next attempt holds no slot of the quota. Raises `TryLater` when the
    last attempt failed, `NeverAvailable` when no retry can help, and `InputError` when no call at
    all can work (no account, for example) or the circuit breaker opens. ``classify`` raises errors
    again that it does not know.
    """
    tally = _tally.get() or Tally()
    most = {ErrorClass.TRANSIENT: ATTEMPTS, ErrorClass.HEAVY: HEAVY_ATTEMPTS}
    seen: Counter[ErrorClass] = Counter()
    for attempt in range(1, ATTEMPTS + 1):
        tally.attempts += 1
        try:
            answer = call()
        except Exception as error:
            outcome = classify(error)
            tally.status = outcome.status
            kind = outcome.error_class
            if kind is ErrorClass.FATAL:
                raise InputError(outcome.reason) from error
            is_outage = kind is ErrorClass.TRANSIENT and outcome.problem not in _NOT_DOWN
            breaker.note(is_outage, outcome.reason, busy=outcome.problem is Problem.BUSY)
            if kind is ErrorClass.PERMANENT:
                raise NeverAvailable(outcome.reason, outcome.problem) from error
            seen[kind] += 1
            if attempt == ATTEMPTS or seen[kind] == most[kind]:
                raise TryLater(f"{outcome.reason}, {attempt} times", outcome.problem) from error
            # Decides when a tile comes, never what it shows.
            sleep(random.uniform(0, longest_wait(attempt, breaker)))
        else:
            breaker.note(False)
            return answer
    raise AssertionError("the last attempt returns or raises")


def longest_wait(attempt: int, breaker: Breaker) -> float:
    """Give the upper bound of the wait after an attempt, counted from 1, in seconds."""
    bound: float = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
    return bound * max(LEAST_SHARE, breaker.trouble() ** 2)


def http_retries() -> Retry:
    """Give the policy for a client that sends its requests through urllib3."""
    from urllib3 import Retry

    return Retry(
        total=ATTEMPTS - 1,
        backoff_factor=FIRST_WAIT,
        backoff_max=LONGEST_WAIT,
        status_forcelist=(TOO_MANY, *SERVER_FAILURES),
        allowed_methods=None,
    )


def gdal_retries() -> dict[str, str]:
    """Give the policy for the range requests of one attempt, as GDAL's options.

    A "too many requests" answer is not repeated by GDAL: the quota must learn of it.
    """
    return {
        "GDAL_HTTP_MAX_RETRY": str(READ_RETRIES),
        "GDAL_HTTP_RETRY_DELAY": str(FIRST_WAIT),
        "GDAL_HTTP_RETRY_CODES": ",".join(map(str, SERVER_FAILURES)),
    }


def first_line(message: str) -> str:
    """Keep the first line of a message, without its full stop, short enough for a reason."""
    line = message.strip().splitlines()[0].rstrip(".") if message.strip() else "no message"
    return line if len(line) <= 160 else line[:157] + "..."
