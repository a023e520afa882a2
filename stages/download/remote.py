"""A server of files: what it says of a file, and bytes of it; one layer owns all retries.

What went wrong is one of three: `Transient`, worth another try; `Changed`, the file is not the one
that was begun; `RemoteError`, for good.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import quote

from pipeline.errors import RemoteError

if TYPE_CHECKING:
    import requests

CONNECT, SILENCE = 10.0, 60.0
"""Seconds to connect, and between two pieces of an answer."""
SLOWEST = 1024.0
"""Bytes a second: an answer that drips slower than this for `SILENCE` seconds is given up."""
_BLOCK = 1 << 18
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_FINAL = {
    401: "asks for a login",
    403: "refuses it: it is not public, or not there (S3 answers so for both)",
    404: "has no such file",
    410: "has it no longer",
}
_LONGEST_RETRY_AFTER = 300.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")

T = TypeVar("T")


class Transient(Exception):
    """Worth another try; ``wait`` seconds later, where the server asks for that."""

    def __init__(self, said: str, wait: float | None = None) -> None:
        super().__init__(said)
        self.wait = wait


class Changed(Exception):
    """The file is not the one that was begun."""


class RangesIgnored(Exception):
    """The server gives whole files only."""


class Seen(NamedTuple):
    """What a server says of a file."""

    size: int | None
    etag: str | None
    modified: str | None
    ranges: bool
    """It gives pieces of the file."""
    s3: bool
    """It speaks as S3 does, whose ETags are made of MD5s."""
    first_part: int | None = None
    """Bytes of the first part of an upload in parts, where S3 says it."""

    def identity(self) -> dict[str, str | int | None]:
        """Give what tells one edition of the file from another."""
        return {"size": self.size, "etag": self.etag, "modified": self.modified}

    @property
    def validator(self) -> str | None:
        """Give what If-Range may name: a strong ETag, else the time of change."""
        strong = self.etag and not self.etag.startswith("W/")
        return self.etag if strong else self.modified

    def md5(self) -> str | None:
        """Give the file's MD5 where the ETag is one."""
        plain = (self.etag or "").strip('"')
        return plain if self.s3 and re.fullmatch(r"[0-9a-f]{32}", plain) else None

    def md5_of_parts(self) -> tuple[str, int] | None:
        """Give the MD5 of the parts' MD5s, and how many parts, where the ETag is that."""
        found = re.fullmatch(r"([0-9a-f]{32})-([1-9][0-9]{0,4})", (self.etag or "").strip('"'))
        return (found[1], int(found[2])) if self.s3 and found else None


class Server:
    """Sends requests; safe to share among threads."""

    def __init__(
        self, base_url: str, *, connections: int, attempts: int, longest_wait: float
    ) -> None:
        import requests
        from requests.adapters import HTTPAdapter

        self._base = base_url if base_url.endswith("/") else base_url + "/"
        self._attempts, self._longest_wait = attempts, longest_wait
        self._session = requests.Session()
        self._session.headers["Accept-Encoding"] = "identity"
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connections + 4, max_retries=0)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def __enter__(self) -> Server:
        """Hold the connections open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self._session.close()

    def url(self, path: str) -> str:
        """Give a file's address."""
        return self._base + quote(path)

    def probe(self, path: str) -> Seen:
        """Ask what the server says of a file. Raises `RemoteError`."""
        return self.persist(path, lambda: self._probe(path), attempts=min(4, self._attempts))

    def persist(self, path: str, task: Callable[[], T], attempts: int | None = None) -> T:
        """Do something again, ever later, while it raises `Transient`; then raise `RemoteError`."""
        import stamina

        try:
            for attempt in stamina.retry_context(
                on=_worth_it,
                attempts=attempts or self._attempts,
                timeout=None,
                wait_initial=0.5,
                wait_max=self._longest_wait,
            ):
                with attempt:
                    return task()
        except Transient as error:
            raise RemoteError(
                f"{self.url(path)}: {error}. What has come stays; run the same command again, or "
                "name a mirror with --base-url."
            ) from error
        raise AssertionError  # the loop returns or raises

    @contextmanager
    def body(
        self, path: str, seen: Seen, start: int = 0, end: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        """Open bytes ``start`` to ``end`` of the file that was seen; all of it without ``end``.

        Raises `Transient`, `Changed`, `RangesIgnored` or `RemoteError`, on the way too.
        """
        headers = {}
        if end is not None:
            headers["Range"] = f"bytes={start}-{end - 1}"
            if seen.validator:
                headers["If-Range"] = seen.validator
        with self._answer("GET", path, headers) as response:
            _check_same(response, seen)
            if end is not None:
                if response.status_code == 200:
                    raise RangesIgnored
                _check_range(response, start, end, seen.size)
            yield _blocks(response)

    def _probe(self, path: str) -> Seen:
        with self._answer("HEAD", path, {}, allowed={405, 501}) as response:
            known = response.status_code == 200
            seen = _seen(response)
        if not known or not seen.ranges:
            # Some servers know no HEAD, and some do not say that they give pieces.
            with self._answer("GET", path, {"Range": "bytes=0-0"}, allowed={416}) as response:
                found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
                pieces = response.status_code == 206 and found is not None
                total = found[3] if found and found[3] != "*" else None
                seen = _seen(response) if not known else seen
                if pieces and total:
                    seen = seen._replace(size=int(total))
            seen = seen._replace(ranges=pieces and seen.size is not None)
        if seen.md5_of_parts():
            with self._answer("HEAD", path, {}, {"partNumber": "1"}, allowed={400, 416}) as first:
                length = first.headers.get("Content-Length", "")
                if first.status_code == 206 and length.isdigit():
                    seen = seen._replace(first_part=int(length))
        return seen

    @contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        query: dict[str, str] | None = None,
        allowed: set[int] | None = None,
    ) -> Iterator[requests.Response]:
        import requests
        import urllib3

        url = self.url(path)
        try:
            with self._session.request(
                method,
                url,
                headers=headers,
                params=query,
                timeout=(CONNECT, SILENCE),
                stream=True,
                allow_redirects=True,
            ) as response:
                _check_status(response, url, allowed or set())
                yield response
        except (requests.exceptions.SSLError, requests.exceptions.InvalidURL) as error:
            raise RemoteError(f"{url}: {error}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise Transient(_brief(error)) from error


def _worth_it(error: Exception) -> bool | float:
    if not isinstance(error, Transient):
        return False
    return True if error.wait is None else error.wait


def _check_status(response: requests.Response, url: str, allowed: set[int]) -> None:
    status = response.status_code
    if status in {200, 206} or status in allowed:
        return
    if status in _PASSING:
        raise Transient(f"the server answers {status}", _retry_after(response))
    if status == 416:
        raise Changed
    said = _FINAL.get(status, f"answers {response.reason or 'nothing of use'}")
    raise RemoteError(f"{url}: {status}: the server {said}.")


def _retry_after(response: requests.Response) -> float | None:
    said = response.headers.get("Retry-After", "")
    return min(float(said), _LONGEST_RETRY_AFTER) if said.isdigit() else None


def _seen(response: requests.Response) -> Seen:
    headers = response.headers
    length = headers.get("Content-Length", "")
    return Seen(
        size=int(length) if length.isdigit() and response.status_code == 200 else None,
        etag=headers.get("ETag"),
        modified=headers.get("Last-Modified"),
        ranges=headers.get("Accept-Ranges", "").lower() == "bytes",
        s3=any(name.lower().startswith("x-amz-") for name in headers)
        and "kms" not in headers.get("x-amz-server-side-encryption", ""),
    )


def _check_same(response: requests.Response, seen: Seen) -> None:
    for name, before in (("ETag", seen.etag), ("Last-Modified", seen.modified)):
        now = response.headers.get(name)
        if before is not None and now is not None and now != before:
            raise Changed
    length = response.headers.get("Content-Length", "")
    whole = response.status_code == 200 and length.isdigit()
    if whole and seen.size is not None and int(length) != seen.size:
        raise Changed


def _check_range(response: requests.Response, start: int, end: int, size: int | None) -> None:
    said = response.headers.get("Content-Range", "")
    found = _CONTENT_RANGE.fullmatch(said)
    if not found or (int(found[1]), int(found[2])) != (start, end - 1):
        raise Transient(f"the server gives {said or 'no range'!r} in place of {start}-{end - 1}")
    if found[3] != "*" and size is not None and int(found[3]) != size:
        raise Changed


def _blocks(response: requests.Response) -> Iterator[bytes]:
    begun, got = time.monotonic(), 0
    while block := response.raw.read1(_BLOCK, decode_content=False):
        got += len(block)
        yield block
        seconds = time.monotonic() - begun
        if seconds > SILENCE and got < SLOWEST * seconds:
            raise Transient(f"the server drips: {got:,} bytes in {seconds:.0f} s")
    if response.raw.length_remaining:
        raise Transient(f"the answer ends {response.raw.length_remaining:,} bytes early")


def _brief(error: Exception) -> str:
    import requests
    import urllib3

    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "the server does not answer in time"
    if isinstance(error, requests.ConnectionError):
        reason = getattr(error.args[0] if error.args else None, "reason", None)
        text = str(reason or error).rpartition(": ")[2]
        return f"the server cannot be reached ({text})"
    return f"the answer broke off ({type(error).__name__})"
