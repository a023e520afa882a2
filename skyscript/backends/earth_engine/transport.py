"""HTTP for the Earth Engine client: time-outs, and the one place that counts every request.

The client's own transport waits forever and keeps ten connections. This one replaces it. It sees
each attempt, so the quota is updated here and nowhere else.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from skyscript.backends.earth_engine.calls import CROWDED
from skyscript.backends.service.quota import Quota
from skyscript.backends.service.retry import TOO_MANY

if TYPE_CHECKING:
    import httplib2
    import requests

log = logging.getLogger(__name__)

CONNECT, SILENCE, WHOLE = 10.0, 60.0, 330.0
"""Seconds to connect, between two pieces of an answer, and for an answer in whole. Earth Engine
computes for up to five minutes."""
QUOTA_HEADER = "x-earth-engine-quota-status"
_PIECE = 1 << 16
_REFUSED, _REFUSED_FOR = (400, 401, 403), 60.0
"""What a token's address answers for an account that is not valid, and the seconds for which it is
not asked again."""


class Transport:
    """Sends requests as httplib2 would; safe to share among threads."""

    def __init__(self, service: str, quota: Quota, connections: int, whole: float = WHOLE) -> None:
        import requests
        from requests.adapters import HTTPAdapter

        self._service, self._quota, self._whole = service, quota, whole
        self._signing = threading.Lock()
        self._refusal: tuple[httplib2.Response, bytes] | None = None
        self._refused_until = 0.0
        self._session = requests.Session()
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connections, max_retries=0)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: str | bytes | None = None,
        headers: dict[str, str] | None = None,
        redirections: int | None = None,  # noqa: ARG002 - httplib2's signature
        connection_type: object = None,  # noqa: ARG002
    ) -> tuple[httplib2.Response, bytes]:
        """Send a request and give the whole answer.

        Raises `TimeoutError`, and `ConnectionError` also for a body that is cut short.
        """
        if not uri.startswith(self._service):
            return self._sign_in(method, uri, body, headers)
        with self._quota.slot():
            begun = time.monotonic()
            response, content = self._send(method, uri, body, headers)
        is_crowded = response.status == 400 and CROWDED.encode() in content
        if response.status == TOO_MANY or is_crowded:
            self._quota.refused(begun)
        elif response.status < 500:
            self._quota.succeeded()
        if "parallelism_restricted=true" in response.pop(QUOTA_HEADER, ""):
            log.warning(
                "Earth Engine: the project has used up its compute quota and is restricted now"
            )
            self._quota.restrict()
        return response, content

    def _sign_in(
        self, method: str, uri: str, body: str | bytes | None, headers: dict[str, str] | None
    ) -> tuple[httplib2.Response, bytes]:
        """Ask for a token, one thread at a time; a refusal serves for all that wait.

        Every thread wants a new token when the old one ends, and an account that is refused is
        refused to each of them.
        """
        with self._signing:
            if self._refusal is None or time.monotonic() > self._refused_until:
                answer = self._send(method, uri, body, headers)
                if answer[0].status not in _REFUSED:
                    return answer
                self._refusal, self._refused_until = answer, time.monotonic() + _REFUSED_FOR
            return self._refusal

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _send(
        self, method: str, uri: str, body: str | bytes | None, headers: dict[str, str] | None
    ) -> tuple[httplib2.Response, bytes]:
        import httplib2
        import requests
        import urllib3

        end = time.monotonic() + self._whole
        silence = min(SILENCE, self._whole)
        try:
            with self._session.request(
                method, uri, data=body, headers=headers, timeout=(CONNECT, silence), stream=True
            ) as response:
                content = _whole_body(response, end)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise TimeoutError(str(error)) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise ConnectionError(str(error)) from error
        fields: dict[str, Any] = {name.lower(): value for name, value in response.headers.items()}
        fields.pop("content-encoding", None)  # the content is decoded
        return httplib2.Response(fields | {"status": response.status_code}), content


def _whole_body(response: requests.Response, end: float) -> bytes:
    """Read piece by piece, so that the time limit also ends a body that arrives slowly."""
    pieces = []
    while piece := response.raw.read1(_PIECE, decode_content=True):
        pieces.append(piece)
        if time.monotonic() > end:
            raise TimeoutError("the answer took too long")
    if response.raw.length_remaining:
        raise ConnectionError("the answer was cut short")
    return b"".join(pieces)
