"""Sends queries to Overpass, one after the other, and waits as the service says.

A public instance is shared: it blocks clients that do not say who they are, and it tells by 429
(too many requests, or no free slot) and 504 (overloaded) when a client must wait. A wrong answer
can come with status 200: a page of HTML, JSON that is cut off, or JSON with a remark of an error.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipeline.errors import InputError, RemoteError
from skyscript.backends.overpass.query import MOST_BYTES, PBF_ROUTE, SECONDS
from skyscript.backends.service.circuit_breaker import Breaker
from skyscript.backends.service.retry import (
    SERVER_FAILURES,
    TOO_MANY,
    ErrorClass,
    Outcome,
    first_line,
    retry,
)
from skyscript.imagery.protocol import NeverAvailable, Problem, TryLater

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

LEAST_WAIT = 30.0
"""Seconds to wait after a 429 or a 504, at least: the operators ask for it."""
LONGEST_WAIT = 600.0
CONNECT = 20.0
"""Seconds to wait for a connection."""
PATIENCE = 60.0
"""Seconds beyond the query's own time limit in which the service may begin to answer."""
_PIECE = 1 << 16
_SLOT = re.compile(r"Slot available after: .*?, in (\d+) seconds")
_PARSE_ERROR = re.compile(r"<strong[^>]*>Error</strong>\s*:\s*(.*?)</p>", re.DOTALL)


class _Refused(Exception):
    """An answer that is no result."""

    def __init__(self, outcome: Outcome, wait: float = 0.0) -> None:
        super().__init__(outcome.reason)
        self.outcome, self.wait = outcome, wait


class Overpass:
    """A client of one instance, with one connection."""

    def __init__(
        self, endpoint: str, contact: str | None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        import requests

        self._endpoint, self._sleep = endpoint.rstrip("/"), sleep
        self._host = urlsplit(endpoint).netloc
        self._session = requests.Session()
        version = importlib.metadata.version("skyscript")
        told = f"; {contact}" if contact else ""
        self._session.headers["User-Agent"] = f"SkyScript/{version} (image-text datasets{told})"
        self._breaker, self._wait = Breaker(), 0.0

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def ask(self, query: str) -> bytes:
        """Give the answer to a query: JSON that was checked to be complete.

        Raises `InputError` if the service will never answer it, and `RemoteError` if it did not
        answer after several attempts.
        """
        try:
            return retry(lambda: self._ask(query), self._classify, self._breaker, self._pause)
        except NeverAvailable as error:
            raise InputError(f"{self._host}: {error}") from error
        except TryLater as error:
            raise RemoteError(f"{self._host}: {error}: try again later, or {PBF_ROUTE}") from error

    def _pause(self, drawn: float) -> None:
        wait, self._wait = max(drawn, self._wait), 0.0
        if wait >= LEAST_WAIT:
            log.info("%s asks to wait: %.0f seconds", self._host, wait)
        self._sleep(wait)

    def _classify(self, error: Exception) -> Outcome:
        import requests

        if isinstance(error, _Refused):
            self._wait = error.wait
            return error.outcome
        if isinstance(error, requests.Timeout):
            return Outcome(ErrorClass.TRANSIENT, Problem.TIMEOUT, "it did not answer in time")
        if isinstance(error, requests.RequestException):
            reason = f"no connection ({type(error).__name__})"
            return Outcome(ErrorClass.TRANSIENT, Problem.CONNECTION, reason)
        raise error

    def _ask(self, query: str) -> bytes:
        with self._session.post(
            f"{self._endpoint}/interpreter",
            data={"data": query},
            timeout=(CONNECT, SECONDS + PATIENCE),
            stream=True,
        ) as response:
            body = _body(response)
            if response.status_code != 200:
                raise self._refusal(response, body)
        _check(body)
        return body

    def _refusal(self, response: requests.Response, body: bytes) -> _Refused:
        status = response.status_code
        if status == TOO_MANY:
            wait = max(LEAST_WAIT, _retry_after(response) or self._next_slot())
            outcome = Outcome(
                ErrorClass.TRANSIENT, Problem.BUSY, "it got too many requests (429)", status
            )
            return _Refused(outcome, min(wait, LONGEST_WAIT))
        if status in SERVER_FAILURES:
            wait = max(LEAST_WAIT, _retry_after(response) or 0.0)
            reason = "it is overloaded (504)" if status == 504 else f"it failed ({status})"
            return _Refused(
                Outcome(ErrorClass.TRANSIENT, Problem.DOWN, reason, status),
                min(wait, LONGEST_WAIT),
            )
        if status == 400:
            found = _PARSE_ERROR.search(body.decode(errors="replace"))
            why = f"it does not understand the query ({first_line(found[1]) if found else status})"
        elif status in (403, 406):
            why = f"it refuses this client ({status}): say who you are with `contact`"
        else:
            why = f"it answers {status}: check `endpoint`"
        return _Refused(Outcome(ErrorClass.PERMANENT, Problem.REFUSED, why, status))

    def _next_slot(self) -> float:
        """Ask the service's status page when a slot is free; give the seconds until then."""
        import requests

        try:
            page = self._session.get(f"{self._endpoint}/status", timeout=CONNECT).text
        except requests.RequestException:
            return 0.0
        waits = [float(seconds) for seconds in _SLOT.findall(page)]
        return 0.0 if "slots available now" in page else min(waits, default=0.0)


def _retry_after(response: requests.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None


def _body(response: requests.Response) -> bytes:
    """Read an answer, but no more of it than a job may have."""
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > 2 * MOST_BYTES:
            why = f"the answer is larger than {2 * MOST_BYTES / 1e6:,.0f} MB: {PBF_ROUTE}"
            raise _Refused(Outcome(ErrorClass.PERMANENT, Problem.TOO_HEAVY, why))
    return bytes(body)


def _check(body: bytes) -> None:
    """Raise `_Refused` unless the body is a whole answer without an error."""
    try:
        answer: Any = json.loads(body)
        remark = str(answer.get("remark", ""))
        is_whole = isinstance(answer["elements"], list)
    except (ValueError, KeyError, AttributeError, RecursionError):
        is_page = body.lstrip().startswith(b"<")
        why = "it answers with a page instead of data" if is_page else "its answer is cut off"
        outcome = Outcome(ErrorClass.TRANSIENT, Problem.DAMAGED, why)
        raise _Refused(outcome, LEAST_WAIT if is_page else 0.0) from None
    if "error" in remark or not is_whole:
        why = f"it gave up the query ({first_line(remark)}): ask for a smaller box or a rarer tag"
        raise _Refused(Outcome(ErrorClass.HEAVY, Problem.TOO_HEAVY, why), LEAST_WAIT)
