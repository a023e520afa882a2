"""What an error of Earth Engine means, and calls that survive those that pass.

The client's own retries are off: it sleeps while it holds its place, and retries what cannot work.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from pipeline.errors import InputError
from stages.imagery.backend import Gone, NotNow
from stages.imagery.breaker import Breaker

ATTEMPTS = 6
HEAVY_ATTEMPTS = 2
"""Of a computation that was too large or too slow: the service may have been busy, once."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds; the wait before a retry is drawn between 0 and twice the last one's bound."""

Answer = TypeVar("Answer")


class Damaged(Exception):
    """An answer came whole, and is not what was asked for; it may be right another time."""


class Kind(Enum):
    """What to do about an error."""

    TRANSIENT = "try again"
    HEAVY = "try again once"
    PERMANENT = "try the next image"
    FATAL = "stop the run"


_HEAVY = re.compile("memory limit|timed out|Too many concurrent aggregations", re.IGNORECASE)
_RATE = re.compile("rate ?limit|quota exceeded", re.IGNORECASE)
_PROJECT = re.compile(
    "permission to use project|not registered|has not been used in project|is disabled|"
    "not signed up|not eligible|serviceusage",
    re.IGNORECASE,
)


def classify(error: Exception) -> tuple[Kind, str]:
    """Give what to do about an error, and the reason to record.

    The status alone does not tell: too little memory and a wrong band are both a 400.
    """
    import ee
    from google.auth.exceptions import GoogleAuthError, TransportError
    from googleapiclient.errors import HttpError

    if isinstance(error, Damaged | json.JSONDecodeError):
        return Kind.TRANSIENT, f"Earth Engine sent a damaged answer ({error})"
    if isinstance(error, TimeoutError):
        return Kind.TRANSIENT, "Earth Engine did not answer in time"
    if isinstance(error, ConnectionError | TransportError):
        return Kind.TRANSIENT, "the connection to Earth Engine broke"
    if isinstance(error, GoogleAuthError):
        passes = getattr(error, "retryable", False)
        return (Kind.TRANSIENT if passes else Kind.FATAL), f"no token: {_first(str(error))}"
    if isinstance(error, HttpError):  # of the client's own set-up
        return _classify_status(int(error.resp.status), str(error))
    if isinstance(error, ee.EEException):
        return _classify_status(_status(error), str(error))
    raise error


def _classify_status(status: int | None, message: str) -> tuple[Kind, str]:
    reason = f"Earth Engine answered {status}: {_first(message)}"
    if status is None or status in (408, 429) or status >= 500:
        kind = "is busy (429)" if status == 429 else f"failed ({status})"
        return Kind.TRANSIENT, f"Earth Engine {kind}"
    if status == 401:
        return Kind.FATAL, reason
    if status == 403 and _RATE.search(message):
        return Kind.TRANSIENT, "Earth Engine is busy (403)"
    if status == 403 and _PROJECT.search(message):
        return Kind.FATAL, reason
    if status == 400 and _HEAVY.search(message):
        return Kind.HEAVY, reason
    return Kind.PERMANENT, reason


def _status(error: Exception) -> int | None:
    """Give the HTTP status, which the client leaves in what its own exception came from."""
    response = getattr(error.__context__, "resp", None)
    return None if response is None else int(response.status)


def _first(message: str) -> str:
    """Keep the first line: it becomes the reason of a row."""
    line = message.strip().splitlines()[0] if message.strip() else "no message"
    return line if len(line) <= 160 else line[:157] + "..."


def persistently(
    call: Callable[[], Answer], breaker: Breaker, sleep: Callable[[float], None] = time.sleep
) -> Answer:
    """Make a call, again and again while its error is one that passes.

    Raises `NotNow` where it does not pass, `Gone` where no repeat can help, and `InputError` where
    no call at all can work: without an account or a project.
    """
    bound = FIRST_WAIT
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = call()
        except Exception as error:
            kind, reason = classify(error)
            if kind is Kind.FATAL:
                raise InputError(_refused(reason)) from error
            breaker.note(kind is Kind.TRANSIENT and "busy" not in reason, reason)
            if kind is Kind.PERMANENT or (kind is Kind.HEAVY and attempt == HEAVY_ATTEMPTS):
                raise Gone(reason) from error
            if attempt == ATTEMPTS:
                raise NotNow(f"{reason}, {ATTEMPTS} times") from error
            sleep(random.uniform(0, bound))  # not of the result: only of when
            bound = min(2 * bound, LONGEST_WAIT)
        else:
            breaker.note(False)
            return answer
    raise AssertionError("the last attempt returns or raises")


def _refused(reason: str) -> str:
    return (
        f"{reason}. Check the account (`earthengine authenticate`, or the source's "
        "`service_account`) and that `project` is registered for Earth Engine and yours to use; "
        "then run the same command again."
    )
