"""A server of published files as S3 is one: whole or by ranges, with ETags, and with faults."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

from tests.emulators.faults import Faults
from tests.emulators.server import Broken, Emulator, Handler

_KIND = "application/octet-stream"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class FileServer(Emulator):
    """The emulated bucket; tests change it while it runs. Planned faults hit only bodies."""

    def __init__(self, files: Path, faults: Faults | None = None) -> None:
        super().__init__(_Handler, faults)
        self.files = files
        self.base_url = f"{self.url}/files/"
        self.ranges = self.knows_head = self.knows_if_range = self.etags = True
        self.part_size: int | None = None
        """ETags are of uploads in parts of so many bytes."""
        self.wrong_etag = False
        self.wrong_length = 0
        """Added to what HEAD says."""
        self.refused: dict[str, int] = {}
        """Files that are answered by a status."""
        self.after_each: Callable[[], object] | None = None
        """Done after each body, also a broken one."""
        self.more_headers: dict[str, str] = {}
        self.kind = _KIND
        """The content type of bodies."""
        self.redirect = ""
        """Where requests for files are sent, if anywhere."""
        self.empty_parts = False
        """Ranges are answered by a 206 with the right fields and no bytes."""
        self.unnamed_parts = False
        """A 206 has neither ETag nor time of change."""
        self.pause = 0.0
        """Seconds after each 64 KiB of a body."""
        self.given = 0
        """Bytes of bodies that were given, or begun."""

    def fields(self, path: Path) -> dict[str, str]:
        """Give what S3 says of a file beside its length."""
        time_of_change = formatdate(path.stat().st_mtime, usegmt=True)
        found = {"Last-Modified": time_of_change, "x-amz-request-id": "1", **self.more_headers}
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
        bucket, path = self._asked()
        if path is None:
            return
        if not bucket.knows_head:
            return self.send(405, _KIND, b"", {})
        length = path.stat().st_size + bucket.wrong_length
        self._head(200, bucket.kind, length, bucket.fields(path))

    def do_GET(self) -> None:
        bucket, path = self._asked()
        if path is None:
            return
        fault = bucket.desk.fault()
        if fault and fault.isdigit():
            return self.send(int(fault), _KIND, b"", {"Retry-After": "0"})
        status, data, fields = self._body(bucket, path)
        bucket.given += len(data)
        if fault:
            self.go_wrong(Broken(fault, bucket.kind, data), status, fields)
        elif bucket.pause:
            self._head(status, bucket.kind, len(data), fields)
            for start in range(0, len(data), 1 << 16):
                self.wfile.write(data[start : start + (1 << 16)])
                time.sleep(bucket.pause)
        else:
            self.send(status, bucket.kind, data, fields)
        if bucket.after_each:
            bucket.after_each()

    def _asked(self) -> tuple[FileServer, Path | None]:
        """Give the file that is asked for; none where the answer is out already."""
        bucket: Any = self.server.service
        name = self.path.removeprefix("/files/")
        path = bucket.files / name
        status = bucket.refused.get(name, 200 if path.is_file() else 404)
        bucket.desk.note(self.command, status, time.monotonic())
        time.sleep(bucket.faults.latency)
        if status != 200:
            self.send(status, _KIND, b"", {})
            return bucket, None
        if bucket.redirect:
            self.send(302, _KIND, b"", {"Location": bucket.redirect})
            return bucket, None
        return bucket, path

    def _body(self, bucket: FileServer, path: Path) -> tuple[int, bytes, dict[str, str]]:
        fields, size = bucket.fields(path), path.stat().st_size
        found = _RANGE.fullmatch(self.headers.get("Range", ""))
        validators = {None, fields.get("ETag"), fields["Last-Modified"]}
        unchanged = self.headers.get("If-Range") in validators or not bucket.knows_if_range
        if not (found and bucket.ranges and unchanged):
            return 200, path.read_bytes(), fields
        start, end = int(found[1]), min(int(found[2] or size) + 1, size)
        if start >= size:
            return 416, b"", fields | {"Content-Range": f"bytes */{size}"}
        with path.open("rb") as file:
            file.seek(start)
            data = b"" if bucket.empty_parts else file.read(end - start)
        if bucket.unnamed_parts:
            fields = {}
        return 206, data, fields | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
