"""A server of published files as S3 is one: whole or by ranges, with ETags, and with faults.

A cousin of the archive of COGs: the same server, another way to give a file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path

from tests.emulators.faults import Faults
from tests.emulators.stac import StacArchive, _Handler

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class _Giver(_Handler):
    """Gives files; the archive says how well."""

    def _range(self, name: str, query: str) -> tuple[int, bytes, dict[str, str]]:
        archive = self.server.archive
        assert isinstance(archive, FileServer) and archive.files is not None
        path = archive.files / name
        if name in archive.refused:
            return archive.refused[name], b"", {}
        if not path.is_file():
            return 404, b"", {}
        size = path.stat().st_size
        headers = archive.headers(path)
        asked = query == "partNumber=1" and archive.says_part_size
        part = archive.part_size if asked else None
        if self.command == "HEAD":
            if not archive.knows_head:
                return 405, b"", {}
            told = size + archive.wrong_length if part is None else min(part, size)
            return 200 if part is None else 206, b"", {**headers, "Content-Length": str(told)}
        if fault := archive.desk.fault():
            if fault.isdigit():
                return int(fault), b"", {"Retry-After": "0"}
            archive.cut_next = True
        found = _RANGE.fullmatch(self.headers.get("Range", ""))
        unchanged = self.headers.get("If-Range") in {None, headers.get("ETag")}
        if not (found and archive.ranges and unchanged):
            return 200, path.read_bytes(), headers
        start, end = int(found[1]), min(int(found[2]) + 1, size)
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
        archive.given += len(data)
        return 206, data, headers | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}

    def _send(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        archive = self.server.archive
        assert isinstance(archive, FileServer)
        cut, archive.cut_next = archive.cut_next, False
        given = {"Content-Length": str(len(data)), **headers}
        self.send_response(status)
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        self.wfile.flush()
        if cut:
            self.close_connection = True
        if status in {200, 206} and data and archive.after_each:
            archive.after_each()


class FileServer(StacArchive):
    """The emulated bucket; tests change it while it runs. Planned faults hit only bodies."""

    handler = _Giver

    def __init__(self, files: Path, faults: Faults | None = None) -> None:
        super().__init__({}, files, faults)
        self.ranges = True
        self.knows_head = True
        self.etags = True
        self.part_size: int | None = None
        """ETags are of uploads in parts of so many bytes."""
        self.says_part_size = True
        self.wrong_etag = False
        self.wrong_length = 0
        """Added to what HEAD says."""
        self.refused: dict[str, int] = {}
        self.after_each: object = None
        self.cut_next = False
        self.given = 0
        """Bytes of pieces that were given."""
        self.base_url = f"{self.url}/files/"

    def headers(self, path: Path) -> dict[str, str]:
        """Give what S3 says of a file beside its length."""
        found = {
            "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
            "x-amz-request-id": "1",
        }
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
        digests = [hashlib.md5(data[at : at + part]).digest() for at in range(0, len(data), part)]
        return f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(digests)}"
