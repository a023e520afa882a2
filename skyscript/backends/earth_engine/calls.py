"""What an error of Earth Engine means.

The client's own retries are off: they sleep while they hold a slot, and repeat permanent errors.
"""

from __future__ import annotations

import json
import re

from skyscript.backends.service.retry import TOO_MANY, ErrorClass, Outcome, first_line
from skyscript.imagery.protocol import Problem

_HEAVY = re.compile("memory limit|timed out", re.IGNORECASE)
CROWDED = "Too many concurrent aggregations"
"""A 400 that means what a 429 means: fewer requests at once would have been answered."""
_RATE = re.compile("rate ?limit|quota exceeded", re.IGNORECASE)
_PROJECT = re.compile(
    "permission to use project|not registered|has not been used in project|is disabled|"
    "not signed up|not eligible|serviceusage",
    re.IGNORECASE,
)


class Damaged(Exception):
    """An answer is complete but not what was asked for; another attempt may be answered right."""


def classify(error: Exception) -> Outcome:
    """Decide how to handle an error. Raises the same error if it is not from the service.

    The HTTP status alone is not enough: too little memory and a wrong band are both a 400.
    """
    import ee
    from google.auth.exceptions import GoogleAuthError, TransportError
    from googleapiclient.errors import HttpError

    if isinstance(error, Damaged | json.JSONDecodeError):
        return _transient(Problem.DAMAGED, f"Earth Engine sent a damaged answer ({error})")
    if isinstance(error, TimeoutError):
        return _transient(Problem.TIMEOUT, "Earth Engine did not answer in time")
    if isinstance(error, ConnectionError | TransportError):
        return _transient(Problem.CONNECTION, "the connection to Earth Engine broke")
    if isinstance(error, GoogleAuthError):
        reason = f"no token: {first_line(str(error))}"
        if getattr(error, "retryable", False):
            return _transient(Problem.CONNECTION, reason)
        return Outcome(ErrorClass.FATAL, Problem.REFUSED, _remedy(reason))
    if isinstance(error, HttpError):  # of the client's own set-up
        return _classify_status(int(error.resp.status), str(error))
    if isinstance(error, ee.EEException):
        return _classify_status(_status(error), str(error))
    raise error


def _transient(problem: Problem, reason: str, status: int | None = None) -> Outcome:
    return Outcome(ErrorClass.TRANSIENT, problem, reason, status)


def _classify_status(status: int | None, message: str) -> Outcome:
    reason = f"Earth Engine answered {status}: {first_line(message)}"
    is_crowded = status == 400 and CROWDED.lower() in message.lower()
    if status == TOO_MANY or is_crowded or (status == 403 and _RATE.search(message)):
        return _transient(Problem.BUSY, f"Earth Engine is busy ({status})", status)
    if status == 408:
        return _transient(Problem.TIMEOUT, "Earth Engine did not answer in time (408)", status)
    if status is None or status >= 500:
        return _transient(Problem.DOWN, f"Earth Engine failed ({status})", status)
    if status == 401 or (status == 403 and _PROJECT.search(message)):
        return Outcome(ErrorClass.FATAL, Problem.REFUSED, _remedy(reason), status)
    if status == 400 and _HEAVY.search(message):
        return Outcome(ErrorClass.HEAVY, Problem.TOO_HEAVY, reason, status)
    problem = Problem.MISSING if status in (404, 410) else Problem.REFUSED
    return Outcome(ErrorClass.PERMANENT, problem, reason, status)


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
