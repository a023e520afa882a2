"""HTTP for the Earth Engine client: time-outs, and the one place that counts every request.

The client's own transport waits forever and keeps ten connections. This one replaces it. It sees
each attempt, so the quota is updated here and nowhere else.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from skyscript.backends.service.quota import Quota

if TYPE_CHECKING:
    import httplib2
    import requests

log = logging.getLogger(__name__)

CONNECT, SILENCE, WHOLE = 10.0, 60.0, 330.0
"""Seconds to connect, between two pieces of an answer, and for an answer in whole. Earth Engine
computes for up to five minutes."""
QUOTA_HEADER = "x-earth-engine-quota-status"
_PIECE = 1 << 16


class Transport:
    """Sends requests as httplib2 would; safe to share among threads."""

    def __init__(self, service: str, quota: Quota, connections: int, whole: float = WHOLE) -> None:
        import requests
        from requests.adapters import HTTPAdapter

        self._service, self._quota, self._whole = service, quota, whole
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
        if not uri.startswith(self._service):  # a token's address
            return self._send(method, uri, body, headers)
        with self._quota.slot():
            begun = time.monotonic()
            response, content = self._send(method, uri, body, headers)
        if response.status == 429:
            self._quota.refused(begun)
        elif response.status < 500:
            self._quota.succeeded()
        if "parallelism_restricted=true" in response.pop(QUOTA_HEADER, ""):
            log.warning(
                "Earth Engine: the project has used up its compute quota and is restricted now"
            )
            self._quota.restrict()
        return response, content

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
