"""A STAC API, and a server of files by byte ranges, as archives of COGs have them.

Strict: a search with an unknown key, a wrong box or time, or an unknown collection is refused, and
a file is only given by ranges.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from shapely.geometry import box, shape

from tests.emulators.faults import Desk, Faults

_KEYS = {"collections", "bbox", "datetime", "limit", "query", "sortby", "token"}
_CONFORMS = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/item-search#query",
    "https://api.stacspec.org/v1.0.0/item-search#sort",
]
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class StacArchive:
    """The emulated archive: items of collections, and the files they lead to."""

    def __init__(
        self,
        collections: Mapping[str, Sequence[dict[str, Any]]],
        files: Path | None = None,
        faults: Faults | None = None,
        token: str | None = None,
    ) -> None:
        self.collections, self.files = collections, files
        self.token = token
        self.faults = faults or Faults()
        self.desk = Desk(self.faults)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.archive = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def landing(self) -> dict[str, Any]:
        links = [
            {"rel": "self", "href": self.url},
            {"rel": "root", "href": self.url},
            {"rel": "data", "href": f"{self.url}/collections"},
            *(
                {
                    "rel": "search",
                    "href": f"{self.url}/search",
                    "method": method,
                    "type": "application/geo+json",
                }
                for method in ("GET", "POST")
            ),
        ]
        return {
            "type": "Catalog",
            "id": "emulator",
            "description": "an archive for tests",
            "stac_version": "1.0.0",
            "conformsTo": _CONFORMS,
            "links": links,
        }

    def search(self, question: Mapping[str, Any]) -> dict[str, Any]:
        if unknown := set(question) - _KEYS:
            raise ValueError(f"unknown parameter {sorted(unknown)[0]}")
        found: list[dict[str, Any]] = []
        for name in question["collections"]:
            if name not in self.collections:
                raise ValueError(f"there is no collection {name}")
            found += self.collections[name]
        west, south, east, north = question["bbox"]
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError("bbox is not west, south, east, north")
        area = box(west, south, east, north)
        found = [item for item in found if shape(item["geometry"]).intersects(area)]
        found = [item for item in found if _within(item, question["datetime"])]
        found = [item for item in found if _matches(item, question.get("query", {}))]
        for order in question.get("sortby", []):
            key = order["field"].removeprefix("properties.")
            found.sort(
                key=lambda item: item["properties"][key], reverse=order["direction"] != "asc"
            )
        start, limit = int(question.get("token", 0)), int(question.get("limit", 10))
        answer: dict[str, Any] = {
            "type": "FeatureCollection",
            "features": found[start : start + limit],
            "links": [],
        }
        if start + limit < len(found):
            answer["links"] = [
                {
                    "rel": "next",
                    "href": f"{self.url}/search",
                    "method": "POST",
                    "body": {**question, "token": str(start + limit)},
                }
            ]
        return answer


def item(
    item_id: str,
    href: str | Mapping[str, str],
    footprint: Any,
    time: str = "2020-06-01T10:30:00Z",
    **properties: Any,
) -> dict[str, Any]:
    """Give an item as an API answers it; one href is the asset ``visual``."""
    hrefs = {"visual": href} if isinstance(href, str) else href
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": item_id,
        "geometry": footprint,
        "bbox": list(shape(footprint).bounds),
        "properties": {"datetime": time, **properties},
        "assets": {name: {"href": address} for name, address in hrefs.items()},
        "links": [],
        "collection": "images",
    }


def _within(item: Mapping[str, Any], interval: str) -> bool:
    first, last = (datetime.fromisoformat(text) for text in interval.split("/"))
    return first <= datetime.fromisoformat(item["properties"]["datetime"]) <= last


def _matches(item: Mapping[str, Any], query: Mapping[str, Mapping[str, Any]]) -> bool:
    for name, conditions in query.items():
        value = item["properties"].get(name)
        for operator, wanted in conditions.items():
            match operator:
                case "eq":
                    passes = value == wanted
                case "lt":
                    passes = value is not None and value < wanted
                case _:
                    raise ValueError(f"unknown operator {operator}")
            if not passes:
                return False
    return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    archive: StacArchive

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        archive, arrived = self.server.archive, time.monotonic()
        path = urlsplit(self.path)
        if path.path.startswith("/files/"):
            return self._file(path.path.removeprefix("/files/"), path.query)
        archive.desk.note("token" if path.path == "/token" else "landing", 200, arrived)
        if path.path == "/token":
            return self._json(200, {"token": archive.token})
        return self._json(200, archive.landing())

    def do_POST(self) -> None:
        archive, arrived = self.server.archive, time.monotonic()
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if fault := archive.desk.fault():
            archive.desk.note("search", int(fault), arrived)
            return self._json(int(fault), {"description": "not now"})
        try:
            answer, status = archive.search(question), 200
        except ValueError as error:
            answer, status = {"code": "BadRequest", "description": str(error)}, 400
        archive.desk.note("search", status, arrived)
        return self._json(status, answer)

    def _json(self, status: int, value: object) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str, query: str) -> None:
        archive, arrived = self.server.archive, time.monotonic()
        time.sleep(archive.faults.latency)
        status, data, headers = self._range(name, query)
        archive.desk.note("file", status, arrived)
        self._send(status, data, headers)

    def _range(self, name: str, query: str) -> tuple[int, bytes, dict[str, str]]:
        archive = self.server.archive
        if fault := archive.desk.fault():
            return int(fault), b"", {}
        if archive.token is not None and query != archive.token:
            return 403, b"", {}
        assert archive.files is not None
        path = archive.files / name
        if not path.is_file():
            return 404, b"", {}
        size = path.stat().st_size
        headers = {"Accept-Ranges": "bytes"}
        if self.command == "HEAD":
            return 200, b"\0" * size, headers
        found = _RANGE.fullmatch(self.headers.get("Range", ""))
        if not found:
            return 400, b"", {}  # nobody shall read a whole file
        start, end = int(found.group(1)), min(int(found.group(2)) + 1, size)
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
        return 206, data, headers | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}

    def _send(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()
