"""What an error of reading a file on a server means: GDAL tells it in words."""

from __future__ import annotations

import re

from pipeline.errors import InputError
from skyscript.backends.service.retry import Kind, Verdict
from skyscript.imagery.protocol import Gone, NotNow, Problem, Scene

TOO_MANY = 429
_HTTP_STATUS = re.compile(r"HTTP response code: (\d{3})|HTTP error code ?: (\d{3})")


def classify(scene: Scene, error: Exception) -> Verdict:
    """Tell what a reading error means, by the HTTP status in GDAL's messages."""
    from rasterio.errors import RasterioError

    if isinstance(error, NotNow):  # no read token
        return Verdict(Kind.TRANSIENT, error.problem, str(error))
    if isinstance(error, Gone):  # not what can be read here
        return Verdict(Kind.PERMANENT, error.problem, str(error))
    if isinstance(error, InputError):
        reason = f"{scene.scene_id}: its file does not say where it lies"
        return Verdict(Kind.PERMANENT, Problem.UNREADABLE, reason)
    if not isinstance(error, RasterioError):
        raise error
    status = http_status(error)
    if status in (404, 410):
        reason = f"{scene.scene_id}: its file is not there ({status})"
        return Verdict(Kind.PERMANENT, Problem.MISSING, reason, status)
    reason = f"{scene.scene_id} cannot be read" + (f" ({status})" if status else "")
    if status is None:
        is_broken = "CURL error" in _told(error)
        problem = Problem.CONNECTION if is_broken else Problem.UNREADABLE
    else:
        problem = _PROBLEMS.get(status, Problem.REFUSED)
    return Verdict(Kind.TRANSIENT, problem, reason, status)


_PROBLEMS = {TOO_MANY: Problem.BUSY, **dict.fromkeys((500, 502, 503, 504), Problem.DOWN)}


def http_status(error: BaseException) -> int | None:
    """Find the HTTP status in what GDAL said."""
    found = _HTTP_STATUS.search(_told(error))
    return int(found.group(1) or found.group(2)) if found else None


def _told(error: BaseException) -> str:
    """Give what GDAL said, which rasterio hands on in a chain of errors."""
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    return " ".join(chain)
