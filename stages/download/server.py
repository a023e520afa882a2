"""A server of files: its statements about a file, its responses, and retries.

There are three errors: `Transient` if another attempt may succeed, `Changed` if the server has
another edition of the file now, and `RemoteError` if the error is final.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import quote

from pipeline.errors import RemoteError
from stages.download.config import DownloadConfig

if TYPE_CHECKING:
    import requests

CONNECT, SILENCE = 10.0, 60.0
"""Seconds to wait for a connection, and for the next bytes of a response."""
SLOWEST = 1024.0
"""Bytes per second. A response that is slower after `SILENCE` seconds is abandoned."""
_LONGEST_RETRY_AFTER = 300.0
_BLOCK = 1 << 16
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_NO_HEAD = {405, 501}
_REFUSALS = {
    401: "requires a login",
    403: "refuses access: the file is not public, or missing (S3 answers so for both)",
    404: "has no such file",
    410: "no longer has the file",
}
_PAGES = {"text/html", "application/xhtml+xml"}
WEB_PAGE = (
    "the server sends a web page in place of the file: it asks for a login or a confirmation, or "
    "the address is wrong. Name a mirror with --base-url."
)
_BASE64_MD5 = r"[A-Za-z0-9+/]{22}=="

T = TypeVar("T")


class Transient(Exception):
    """An error that another attempt may overcome, after ``wait`` seconds if the server says so."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Changed(Exception):
    """The server has another edition of the file now."""


class Edition(NamedTuple):
    """A server's statements about a file, which distinguish the editions of the file."""

    size: int | None
    etag: str | None
    modified: str | None
    md5: str | None

    @property
    def validator(self) -> str | None:
        """The value for If-Range: a strong ETag, else the time of the last change."""
        strong = self.etag and not self.etag.startswith("W/")
        return self.etag if strong else self.modified

    @property
    def can_resume(self) -> bool:
        """Whether a download can resume: the server states enough to recognise the edition."""
        return self.size is not None and self.validator is not None

    def is_named_in(self, response: requests.Response) -> bool:
        """Whether a partial response says that it is a part of this edition.

        A server that ignores If-Range could else give a part of another edition.
        """
        strong = self.validator == self.etag
        return self.validator == response.headers.get("ETag" if strong else "Last-Modified")

    def check(self, response: requests.Response, start: int) -> None:
        """Raise `Changed` if a response is not this edition, whole or from byte ``start`` on."""
        given, size = response.headers, self.size
        if response.status_code == 206:
            same = size and given.get("Content-Range") == f"bytes {start}-{size - 1}/{size}"
        else:
            same = size is None or given.get("Content-Length", str(size)) == str(size)
        for name, value in (("ETag", self.etag), ("Last-Modified", self.modified)):
            same = same and (value is None or given.get(name, value) == value)
        if not same:
            raise Changed


class Server:
    """A server of files. Threads can share it."""

    def __init__(self, config: DownloadConfig) -> None:
        import requests

        self._config = config
        self._session = requests.Session()
        self._session.headers["Accept-Encoding"] = "identity"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def url(self, path: str) -> str:
        """Return the address of a file."""
        return self._config.base_url.rstrip("/") + "/" + quote(path)

    def probe(self, path: str) -> Edition:
        """Ask for the current edition of a file, without its content. Raises `RemoteError`."""

        def ask() -> Edition:
            with self.answer("HEAD", path, {}, _NO_HEAD) as response:
                if response.status_code == 200 and "Content-Length" in response.headers:
                    return _edition_in(response.headers)
            with self.answer("GET", path, {}) as response:  # closed before its body is read
                return _edition_in(response.headers)

        return self.retry(path, ask)

    def retry(self, path: str, task: Callable[[], T]) -> T:
        """Repeat a task while it raises `Transient`, with longer and longer waits."""
        import stamina

        caller = stamina.RetryingCaller(
            attempts=self._config.attempts,
            timeout=None,
            wait_initial=0.5,
            wait_max=self._config.longest_wait,
        )
        try:
            return caller(_wait_before_retry, task)
        except Transient as error:
            raise RemoteError(
                f"{self.url(path)}: {error}. The bytes so far are kept; run the same command "
                "again, or name a mirror with --base-url."
            ) from error

    @contextmanager
    def answer(
        self, method: str, path: str, headers: Mapping[str, str], allowed: Collection[int] = ()
    ) -> Iterator[requests.Response]:
        """Send a request. Raises `Transient`, `Changed` or `RemoteError`, also during reading."""
        import requests
        import urllib3

        url = self.url(path)
        try:
            with self._session.request(
                method,
                url,
                headers=headers,
                timeout=(CONNECT, SILENCE),
                stream=True,
                allow_redirects=True,
            ) as response:
                _check_status(response, url, allowed)
                _check_content(response, url)
                yield response
        except requests.TooManyRedirects as error:
            raise RemoteError(f"{url}: the server redirects this address in a loop.") from error
        except _never_reached() as error:
            raise RemoteError(f"{url}: {error}") from error
        except requests.ConnectionError as error:
            cause = getattr(error.args[0] if error.args else None, "reason", None) or error
            last_clause = str(cause).rpartition(": ")[2]
            raise Transient(f"the server cannot be reached ({last_clause})") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise Transient(f"the response broke off ({type(error).__name__})") from error


def _never_reached() -> tuple[type[Exception], ...]:
    """Give the errors for addresses, also of redirects, that no attempt can reach."""
    from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, SSLError

    return SSLError, InvalidURL, InvalidSchema, MissingSchema


def blocks(response: requests.Response) -> Iterator[bytes]:
    """Read a body block by block. Raises `Transient` if it is too slow."""
    begun, got = time.monotonic(), 0
    while block := response.raw.read1(_BLOCK, decode_content=False):
        got += len(block)
        yield block
        seconds = time.monotonic() - begun
        if seconds > SILENCE and got < SLOWEST * seconds:
            raise Transient(f"the server is too slow: {got:,} bytes in {seconds:.0f} s")


def _edition_in(headers: Mapping[str, str]) -> Edition:
    size = headers.get("Content-Length", "")
    return Edition(
        int(size) if size.isdigit() else None,
        headers.get("ETag"),
        headers.get("Last-Modified"),
        _md5_in(headers),
    )


def _md5_in(headers: Mapping[str, str]) -> str | None:
    """Find the file's MD5 in x-goog-hash, Content-MD5, or an ETag of S3 that is a plain MD5.

    The ETag of an upload in several parts, or of a file encrypted with KMS, is not its MD5.
    """
    goog = re.search(f"md5=({_BASE64_MD5})", headers.get("x-goog-hash", ""))
    encoded = goog[1] if goog else headers.get("Content-MD5", "")
    if re.fullmatch(_BASE64_MD5, encoded):
        return base64.b64decode(encoded).hex()
    plain = re.fullmatch(r'"?([0-9a-f]{32})"?', headers.get("ETag", ""))
    s3 = any(name.lower().startswith("x-amz-") for name in headers)
    kms = "kms" in headers.get("x-amz-server-side-encryption", "")
    return plain[1] if plain and s3 and not kms else None


def _wait_before_retry(error: Exception) -> bool | float:
    if not isinstance(error, Transient):
        return False
    return True if error.wait is None else error.wait


def _check_content(response: requests.Response, url: str) -> None:
    """Raise `RemoteError` if a response is not the file itself, byte by byte."""
    if response.status_code not in {200, 206}:
        return
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in _PAGES:
        raise RemoteError(f"{url}: {WEB_PAGE}")
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing not in {"identity", ""}:
        raise RemoteError(
            f"{url}: the server packs the file ({packing}), though it was asked not to, so its "
            "size and its checksum cannot be compared. Name another mirror with --base-url."
        )


def _check_status(response: requests.Response, url: str, allowed: Collection[int]) -> None:
    status = response.status_code
    if status in {200, 206} or status in allowed:
        return
    if status in _TRANSIENT:
        after = response.headers.get("Retry-After", "")
        wait = min(float(after), _LONGEST_RETRY_AFTER) if after.isdigit() else None
        raise Transient(f"the server answers {status}", wait)
    if status == 416:  # the file is now shorter than the part that exists here
        raise Changed
    reason = _REFUSALS.get(status, f"answers {response.reason or 'without a reason'}")
    raise RemoteError(f"{url}: {status}: the server {reason}.")
