"""What an error means that came from reading a file on a server: GDAL says it in words only."""

from __future__ import annotations

import re

from pipeline.errors import InputError
from skyscript.backends.service.retry import SERVER_FAILURES, TOO_MANY, ErrorClass, Outcome
from skyscript.imagery.gdal import gdal_errors
from skyscript.imagery.protocol import NeverAvailable, Problem, Scene, TryLater

_HTTP_STATUS = re.compile(r"HTTP response code: (\d{3})|HTTP error code ?: (\d{3})")


FORBIDDEN = (401, 403)


def classify(scene: Scene, error: Exception, *, is_signed: bool) -> Outcome:
    """Say what a reading error means, by the HTTP status in GDAL's messages.

    ``is_signed``: the file was opened with a read token, which may have expired.
    """
    if isinstance(error, TryLater):  # no read token
        return Outcome(ErrorClass.TRANSIENT, error.problem, str(error))
    if isinstance(error, NeverAvailable):  # not what can be read here
        return Outcome(ErrorClass.PERMANENT, error.problem, str(error))
    if isinstance(error, InputError):
        reason = f"{scene.scene_id}: its file does not say where it lies"
        return Outcome(ErrorClass.PERMANENT, Problem.UNREADABLE, reason)
    if not isinstance(error, gdal_errors()):
        raise error
    status = http_status(error)
    if status in (404, 410):
        reason = f"{scene.scene_id}: its file is not there ({status})"
        return Outcome(ErrorClass.PERMANENT, Problem.MISSING, reason, status)
    reason = f"{scene.scene_id} cannot be read" + (f" ({status})" if status else "")
    if status in FORBIDDEN:
        kind = ErrorClass.HEAVY if is_signed else ErrorClass.PERMANENT
        return Outcome(kind, Problem.REFUSED, reason, status)
    if status is None:
        is_broken = "CURL error" in _messages(error)
        problem = Problem.CONNECTION if is_broken else Problem.UNREADABLE
        return Outcome(ErrorClass.TRANSIENT, problem, reason, status)
    if (known := _PROBLEMS.get(status)) is not None:
        return Outcome(ErrorClass.TRANSIENT, known, reason, status)
    kind = ErrorClass.TRANSIENT if status >= 500 else ErrorClass.PERMANENT
    return Outcome(kind, Problem.DOWN if status >= 500 else Problem.REFUSED, reason, status)


_PROBLEMS = {
    TOO_MANY: Problem.BUSY,
    408: Problem.TIMEOUT,
    **dict.fromkeys(SERVER_FAILURES, Problem.DOWN),
}


def http_status(error: BaseException) -> int | None:
    """Find the HTTP status in GDAL's messages."""
    found = _HTTP_STATUS.search(_messages(error))
    return int(found.group(1) or found.group(2)) if found else None


def _messages(error: BaseException) -> str:
    """Join GDAL's messages, which rasterio passes on as a chain of errors."""
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    return " ".join(chain)
