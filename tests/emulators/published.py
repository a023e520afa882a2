"""A server of published files as S3 is one: whole or by ranges, with ETags, and with faults."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.emulators.faults import Faults
from tests.emulators.server import Broken, Emulator, Handler

_KIND = "application/octet-stream"
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class FileServer(Emulator):
    """The emulated bucket; tests change it while it runs. Planned faults hit only bodies."""

    def __init__(self, files: Path, faults: Faults | None = None) -> None:
        super().__init__(_Handler, faults)
        self.files = files
        self.base_url = f"{self.url}/files/"
        self.ranges = self.knows_head = self.etags = True
        self.part_size: int | None = None
        """ETags are of uploads in parts of so many bytes."""
        self.says_part_size = True
        self.wrong_etag = False
        self.wrong_length = 0
        """Added to what HEAD says."""
        self.refused: dict[str, int] = {}
        """Files that are answered by a status."""
        self.after_each: Callable[[], object] | None = None
        """Done after each body."""
        self.given = 0
        """Bytes of pieces that were given."""

    def fields(self, path: Path) -> dict[str, str]:
        """Give what S3 says of a file beside its length."""
        time_of_change = formatdate(path.stat().st_mtime, usegmt=True)
        found = {"Last-Modified": time_of_change, "x-amz-request-id": "1"}
        if self.ranges:
            found["Accept-Ranges"] = "bytes"
        if self.etags:
            found["ETag"] = f'"{self._etag(path)}"'
        return found

    def _etag(self, path: Path) -> str:
        if self.wrong_etag:
            return "0" * 32
        data, part = path.read_bytes(), self.part_size
        if part is None:
            return hashlib.md5(data).hexdigest()
        parts = [data[at : at + part] for at in range(0, len(data), part)]
        digests = b"".join(hashlib.md5(some).digest() for some in parts)
        return f"{hashlib.md5(digests).hexdigest()}-{len(parts)}"


class _Handler(Handler):
    """Gives files; the bucket says how well."""

    def do_HEAD(self) -> None:
        bucket, path, query = self._asked()
        if path is None:
            return
        if not bucket.knows_head:
            return self.send(405, _KIND, b"", {})
        size = path.stat().st_size
        if query == "partNumber=1" and bucket.says_part_size and bucket.part_size:
            return self._head(206, _KIND, min(size, bucket.part_size), bucket.fields(path))
        self._head(200, _KIND, size + bucket.wrong_length, bucket.fields(path))

    def do_GET(self) -> None:
        bucket, path, _ = self._asked()
        if path is None:
            return
        fault = bucket.desk.fault()
        if fault and fault.isdigit():
            return self.send(int(fault), _KIND, b"", {"Retry-After": "0"})
        status, data, fields = self._body(bucket, path)
        if fault:
            return self.go_wrong(Broken(fault, _KIND, data), status, fields)
        self.send(status, _KIND, data, fields)
        if bucket.after_each:
            bucket.after_each()

    def _asked(self) -> tuple[FileServer, Path | None, str]:
        """Give the file that is asked for; none where the answer is out already."""
        bucket: Any = self.server.service
        address = urlsplit(self.path)
        name = address.path.removeprefix("/files/")
        path = bucket.files / name
        status = bucket.refused.get(name, 200 if path.is_file() else 404)
        bucket.desk.note(self.command, status, time.monotonic())
        time.sleep(bucket.faults.latency)
        if status != 200:
            self.send(status, _KIND, b"", {})
            return bucket, None, ""
        return bucket, path, address.query

    def _body(self, bucket: FileServer, path: Path) -> tuple[int, bytes, dict[str, str]]:
        fields, data = bucket.fields(path), path.read_bytes()
        found = _RANGE.fullmatch(self.headers.get("Range", ""))
        unchanged = self.headers.get("If-Range") in {None, fields.get("ETag")}
        if not (found and bucket.ranges and unchanged):
            return 200, data, fields
        start, end = int(found[1]), min(int(found[2]) + 1, len(data))
        bucket.given += end - start
        return (
            206,
            data[start:end],
            fields | {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"},
        )
