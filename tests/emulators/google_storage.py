"""Google Cloud Storage on localhost: its XML API, as far as the pipeline uses it.

As the reference states it: https://cloud.google.com/storage/docs/xml-api/reference-methods. Each
write gives an object another generation; ``x-goog-if-generation-match`` is the condition of a
write, 0 that there is no object. A list has times to the millisecond, a header to the second. The
e-tag of an object written by one request is the MD5 of its bytes.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree.ElementTree import fromstring
from xml.sax.saxutils import escape

from tests.emulators.faults import Faults
from tests.emulators.storage import Answer, Storage, StorageHandler

TOKEN = "token"
LEAST_PART = 5 * 2**20
"""Bytes of every part but the last."""
_MOST_KEYS = 1_000


@dataclass(frozen=True)
class _Object:
    data: bytes
    generation: int
    e_tag: str
    written: float = field(default_factory=time.time)

    def fields(self) -> dict[str, str]:
        return {
            "ETag": self.e_tag,
            "Last-Modified": formatdate(self.written, usegmt=True),
            "x-goog-generation": str(self.generation),
            "x-goog-metageneration": "1",
            "x-goog-stored-content-length": str(len(self.data)),
        }


class GoogleStorage(Storage):
    """Buckets in memory."""

    scheme = "gs"

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(_Handler, faults)
        self.buckets: dict[str, dict[str, _Object]] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.lock = threading.Lock()
        self.generations = itertools.count(time.time_ns() // 1_000)

    @contextmanager
    def open(self) -> Iterator[GoogleStorage]:
        """Serve until the end of the block."""
        with self:
            yield self

    def environment(self) -> dict[str, str]:
        """Give the variables with which the pipeline uses this server."""
        return {"GOOGLE_BASE_URL": self.url, "GOOGLE_BEARER_TOKEN": TOKEN}

    def wrong_environment(self) -> dict[str, str]:
        """Give variables whose credentials this server does not accept."""
        return {"GOOGLE_BEARER_TOKEN": "other"}

    def create(self, name: str) -> str:
        """Make a bucket; give its address."""
        self.buckets[name] = {}
        return f"gs://{name}"


class _Refused(Exception):
    """An answer that is an error, of the code that the reference gives."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class _Handler(StorageHandler):
    def answer(self, body: bytes) -> Answer:
        service: Any = self.server.service
        address = urlsplit(self.path)
        bucket, _, key = address.path.lstrip("/").partition("/")
        query = {name: each[0] for name, each in parse_qs(address.query, True).items()}
        try:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise _Refused(401, "AuthenticationRequired")
            if (objects := service.buckets.get(unquote(bucket))) is None:
                raise _Refused(404, "NoSuchBucket")
            with service.lock:
                if not key:
                    return _listing(objects, query)
                return self._on_object(service, objects, unquote(key), query, body)
        except _Refused as error:
            code = f"<Error><Code>{error.code}</Code><Message>no</Message></Error>"
            return Answer(error.status, code.encode())

    def _on_object(
        self,
        service: GoogleStorage,
        objects: dict[str, _Object],
        key: str,
        query: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        if "uploads" in query or "uploadId" in query:
            return _upload(service, objects, key, self.command, query, body)
        if self.command == "PUT":
            wanted = self.headers.get("x-goog-if-generation-match")
            now = objects[key].generation if key in objects else 0
            if wanted is not None and int(wanted) != now:
                raise _Refused(412, "PreconditionFailed")
            digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
            objects[key] = _Object(body, next(service.generations), f'"{digest}"')
            return Answer(200, fields=objects[key].fields())
        if key not in objects:
            raise _Refused(404, "NoSuchKey")
        if self.command == "DELETE":
            del objects[key]
            return Answer(204)
        return _read(objects[key], self.headers.get("Range"))


def _read(found: _Object, wanted: str | None) -> Answer:
    kind, size = "application/octet-stream", len(found.data)
    if wanted is None:
        return Answer(200, found.data, kind, found.fields(), size)
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last or size), size - 1)
    if start >= size:
        raise _Refused(416, "InvalidRange")
    fields = found.fields() | {"Content-Range": f"bytes {start}-{end}/{size}"}
    return Answer(206, found.data[start : end + 1], kind, fields)


def _upload(
    service: GoogleStorage,
    objects: dict[str, _Object],
    key: str,
    method: str,
    query: Mapping[str, str],
    body: bytes,
) -> Answer:
    """Begin an upload in parts, take a part, end it, or give it up."""
    if "uploads" in query:
        number = str(next(service.generations))
        service.uploads[number] = {}
        name = "InitiateMultipartUploadResult"
        return Answer(200, f"<{name}><UploadId>{number}</UploadId></{name}>".encode())
    parts = service.uploads.get(query["uploadId"])
    if parts is None:
        raise _Refused(404, "NoSuchUpload")
    if method == "PUT":
        parts[int(query["partNumber"])] = body
        return Answer(200, fields={"ETag": _part_tag(body)})
    if method == "DELETE":
        del service.uploads[query["uploadId"]]
        return Answer(204)
    named = [(part.findtext("PartNumber"), part.findtext("ETag")) for part in fromstring(body)]
    chosen = [parts.get(int(number or 0), b"") for number, _ in named]
    if not named or [_part_tag(part) for part in chosen] != [tag for _, tag in named]:
        raise _Refused(400, "InvalidPart")
    if any(len(part) < LEAST_PART for part in chosen[:-1]):
        raise _Refused(400, "EntityTooSmall")
    del service.uploads[query["uploadId"]]
    generation = next(service.generations)
    objects[key] = _Object(b"".join(chosen), generation, f'"-{generation}"')
    name = "CompleteMultipartUploadResult"
    tag = f"<{name}><ETag>{escape(objects[key].e_tag)}</ETag></{name}>"
    return Answer(200, tag.encode(), fields=objects[key].fields())


def _part_tag(part: bytes) -> str:
    return f'"{hashlib.md5(part, usedforsecurity=False).hexdigest()}"'


def _listing(objects: Mapping[str, _Object], query: Mapping[str, str]) -> Answer:
    """Give the keys after a place, in order; those with a delimiter after the prefix as folders."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
    after = query.get("continuation-token") or query.get("start-after", "")
    most = min(int(query.get("max-keys", _MOST_KEYS)), _MOST_KEYS)
    found: dict[str, str] = {}
    more = False
    for key in sorted(objects):
        if not key.startswith(prefix) or key <= after:
            continue
        inside, mark, _ = key[len(prefix) :].partition(delimiter or "\0")
        folder = f"{prefix}{inside}{mark}" if delimiter and mark else ""
        if folder and (folder in found or folder <= after):
            continue
        if len(found) == most:
            more = True
            break
        name = escape(folder or key)
        found[folder or key] = (
            f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"
            if folder
            else f"<Contents><Key>{name}</Key>{_entry(objects[key])}</Contents>"
        )
    body = f"{''.join(found.values())}<IsTruncated>{str(more).lower()}</IsTruncated>"
    if more:
        body += f"<NextContinuationToken>{escape(list(found)[-1])}</NextContinuationToken>"
    return Answer(200, f"<ListBucketResult>{body}</ListBucketResult>".encode())


def _entry(found: _Object) -> str:
    written = datetime.fromtimestamp(found.written, UTC).isoformat(timespec="milliseconds")
    return (
        f"<Generation>{found.generation}</Generation><MetaGeneration>1</MetaGeneration>"
        f"<LastModified>{written.replace('+00:00', 'Z')}</LastModified>"
        f"<ETag>{escape(found.e_tag)}</ETag><Size>{len(found.data)}</Size>"
    )
