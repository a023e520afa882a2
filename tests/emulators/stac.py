"""A STAC API, and a server of files by byte ranges, as archives of COGs have them.

Strict: a search with an unknown key, a wrong box or time, or an unknown collection is refused, and
a file is only given by ranges.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from shapely.geometry import box, shape

from tests.emulators.faults import BROKEN, Faults
from tests.emulators.server import Broken, Emulator, Handler

_KEYS = {"collections", "bbox", "datetime", "limit", "query", "sortby", "token"}
_CONFORMS = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/item-search#query",
    "https://api.stacspec.org/v1.0.0/item-search#sort",
]
_KIND = "application/octet-stream"
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class StacArchive(Emulator):
    """The emulated archive: items of collections, and the files they lead to."""

    def __init__(
        self,
        collections: Mapping[str, Sequence[dict[str, Any]]],
        files: Path | None = None,
        faults: Faults | None = None,
        token: str | None = None,
    ) -> None:
        super().__init__(_Handler, faults)
        self.collections, self.files = collections, files
        self.token = token
        self.token_ends: datetime | None = None
        self.ignored: frozenset[str] = frozenset()
        """Parameters of a search that are passed over, as some APIs do."""

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
        page = {key: value for key, value in question.items() if key not in self.ignored}
        return self._search(page)

    def _search(self, question: Mapping[str, Any]) -> dict[str, Any]:
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
        found = [item for item in found if _within(item, question.get("datetime"))]
        found = [item for item in found if _matches(item, question.get("query", {}))]
        for order in question.get("sortby", []):
            key = order["field"].removeprefix("properties.")
            found.sort(
                key=lambda item: item["properties"].get(key) or 0,
                reverse=order["direction"] != "asc",
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


def _within(item: Mapping[str, Any], interval: str | None) -> bool:
    if interval is None:
        return True
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
                case "gte":
                    passes = value is not None and value >= wanted
                case _:
                    raise ValueError(f"unknown operator {operator}")
            if not passes:
                return False
    return True


class _Handler(Handler):
    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        archive, arrived = self.server.service, time.monotonic()
        path = urlsplit(self.path)
        if path.path.startswith("/files/"):
            return self._file(path.path.removeprefix("/files/"), path.query)
        archive.desk.note("token" if path.path == "/token" else "landing", 200, arrived)
        if path.path == "/token":
            ends = archive.token_ends
            stated = {} if ends is None else {"msft:expiry": ends.isoformat()}
            return self.send_json(200, {"token": archive.token, **stated}, {})
        return self.send_json(200, archive.landing(), {})

    def do_POST(self) -> None:
        archive, arrived = self.server.service, time.monotonic()
        question = json.loads(self.body())
        if fault := archive.desk.fault():
            status = int(fault) if fault.isdigit() else 503
            archive.desk.note("search", status, arrived)
            return self.send_json(status, {"description": "not now"}, {})
        try:
            answer, status = archive.search(question), 200
        except ValueError as error:
            answer, status = {"code": "BadRequest", "description": str(error)}, 400
        archive.desk.note("search", status, arrived)
        return self.send_json(status, answer, {})

    def _file(self, name: str, query: str) -> None:
        archive, arrived = self.server.service, time.monotonic()
        with archive.desk.admitted() as admitted:
            time.sleep(archive.faults.latency)
            fault = archive.desk.fault() if admitted else "429"
            status, data, fields = self._range(name, query)
            if fault in BROKEN:
                archive.desk.note("file", 0, arrived)
                return self.go_wrong(Broken(fault, _KIND, data), status, fields)
            if fault:
                status, data, fields = int(fault), b"", {}
            archive.desk.note("file", status, arrived)
            return self.send(status, _KIND, data, fields)

    def _range(self, name: str, query: str) -> tuple[int, bytes, dict[str, str]]:
        archive = self.server.service
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
        if start >= size:
            return 416, b"", {}
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
        return 206, data, headers | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
