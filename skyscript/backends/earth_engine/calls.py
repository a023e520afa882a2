"""What an error of Earth Engine means.

The client's own retries are off: it sleeps while it holds its place, and retries what cannot work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TypeVar

from skyscript.backends.service import retry as attempts
from skyscript.backends.service.circuit_breaker import Breaker
from skyscript.backends.service.retry import Kind, Verdict, first_line
from skyscript.imagery.protocol import Problem

Answer = TypeVar("Answer")

_HEAVY = re.compile("memory limit|timed out|Too many concurrent aggregations", re.IGNORECASE)
_RATE = re.compile("rate ?limit|quota exceeded", re.IGNORECASE)
_PROJECT = re.compile(
    "permission to use project|not registered|has not been used in project|is disabled|"
    "not signed up|not eligible|serviceusage",
    re.IGNORECASE,
)


class Damaged(Exception):
    """An answer came whole, and is not what was asked for; it may be right another time."""


def persistently(call: Callable[[], Answer], breaker: Breaker) -> Answer:
    """Make a call of the client, again while its error passes; raises as `attempts` says."""
    return attempts.persistently(call, classify, breaker)


def classify(error: Exception) -> Verdict:
    """Tell what an error means; one that is none of the service's is raised again.

    The status alone does not tell: too little memory and a wrong band are both a 400.
    """
    import ee
    from google.auth.exceptions import GoogleAuthError, TransportError
    from googleapiclient.errors import HttpError

    if isinstance(error, Damaged | json.JSONDecodeError):
        return _passing(Problem.DAMAGED, f"Earth Engine sent a damaged answer ({error})")
    if isinstance(error, TimeoutError):
        return _passing(Problem.TIMEOUT, "Earth Engine did not answer in time")
    if isinstance(error, ConnectionError | TransportError):
        return _passing(Problem.CONNECTION, "the connection to Earth Engine broke")
    if isinstance(error, GoogleAuthError):
        reason = f"no token: {first_line(str(error))}"
        if getattr(error, "retryable", False):
            return _passing(Problem.CONNECTION, reason)
        return Verdict(Kind.FATAL, Problem.REFUSED, _remedy(reason))
    if isinstance(error, HttpError):  # of the client's own set-up
        return _classify_status(int(error.resp.status), str(error))
    if isinstance(error, ee.EEException):
        return _classify_status(_status(error), str(error))
    raise error


def _passing(problem: Problem, reason: str, status: int | None = None) -> Verdict:
    return Verdict(Kind.TRANSIENT, problem, reason, status)


def _classify_status(status: int | None, message: str) -> Verdict:
    reason = f"Earth Engine answered {status}: {first_line(message)}"
    if status == 429 or (status == 403 and _RATE.search(message)):
        return _passing(Problem.BUSY, f"Earth Engine is busy ({status})", status)
    if status == 408:
        return _passing(Problem.TIMEOUT, "Earth Engine did not answer in time (408)", status)
    if status is None or status >= 500:
        return _passing(Problem.DOWN, f"Earth Engine failed ({status})", status)
    if status == 401 or (status == 403 and _PROJECT.search(message)):
        return Verdict(Kind.FATAL, Problem.REFUSED, _remedy(reason), status)
    if status == 400 and _HEAVY.search(message):
        return Verdict(Kind.HEAVY, Problem.TOO_HEAVY, reason, status)
    problem = Problem.MISSING if status in (404, 410) else Problem.REFUSED
    return Verdict(Kind.PERMANENT, problem, reason, status)


def _status(error: Exception) -> int | None:
    """Give the HTTP status, which the client leaves in what its own exception came from."""
    response = getattr(error.__context__, "resp", None)
    return None if response is None else int(response.status)


def _remedy(reason: str) -> str:
    return (
        f"{reason}. Check the account (`earthengine authenticate`, or the source's "
        "`service_account`) and that `project` is registered for Earth Engine and yours to use; "
        "then run the same command again."
    )
