"""A bucket as S3 serves a public one: its files by name and by ranges, and a list of them.

A static STAC catalogue is files in such a bucket. The shapes are those of published catalogues, cut
down to what tells one from another: LINZ's (a root whose children are collections with an extent,
items without a time of their own but with its range), Satellogic's (a catalogue for each day, which
says nothing of where its items lie).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from shapely.geometry import box, mapping

from tests.emulators.faults import Faults
from tests.emulators.server import Emulator, Handler

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
Bounds = tuple[float, float, float, float]


class Bucket(Emulator):
    """The emulated bucket: files of a folder, and JSON made up for a test."""

    def __init__(self, folder: Path | None = None, faults: Faults | None = None) -> None:
        super().__init__(_Handler, faults)
        self.folder, self.page = folder, 1000
        self.json: dict[str, Any] = {}
        """JSON by its name."""

    def names(self) -> list[str]:
        paths = self.folder.rglob("*") if self.folder else []
        found = [path.relative_to(self.folder).as_posix() for path in paths if path.is_file()]  # type: ignore[arg-type]
        return sorted([*found, *self.json])

    def content(self, name: str) -> bytes | None:
        if name in self.json:
            value = self.json[name]
            return value if isinstance(value, bytes) else json.dumps(value).encode()
        path = self.folder / name if self.folder else None
        return path.read_bytes() if path is not None and path.is_file() else None

    def listing(self, query: Mapping[str, Sequence[str]]) -> bytes:
        """List names as ListObjectsV2 does."""
        prefix, after = query.get("prefix", [""])[0], query.get("continuation-token", [""])[0]
        names = [name for name in self.names() if name.startswith(prefix) and name > after]
        page, rest = names[: self.page], names[self.page :]
        entries = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in page)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if rest else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{'true' if rest else 'false'}</IsTruncated>{entries}{token}"
            "</ListBucketResult>"
        ).encode()


class _Handler(Handler):
    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        bucket, arrived = self.server.service, time.monotonic()
        url = urlsplit(self.path)
        name = unquote(url.path.lstrip("/"))
        time.sleep(bucket.faults.latency)
        if not name:
            bucket.desk.note("list", 200, arrived)
            return self.send(200, "application/xml", bucket.listing(parse_qs(url.query)), {})
        method = "json" if name.endswith(".json") else "file"
        if fault := bucket.desk.fault():
            bucket.desk.note(method, int(fault), arrived)
            return self.send(int(fault), "application/xml", b"<Error/>", {})
        data = bucket.content(name)
        wanted = _RANGE.fullmatch(self.headers.get("Range", ""))
        status, fields = (404 if data is None else 200), {"Accept-Ranges": "bytes"}
        if data is not None and wanted and self.command == "GET":
            start, end = int(wanted.group(1)), min(int(wanted.group(2)) + 1, len(data))
            fields["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
            status, data = 206, data[start:end]
        bucket.desk.note(method, status, arrived)
        return self.send(status, "application/octet-stream", data or b"", fields)


def survey(
    region: str,
    name: str,
    year: int,
    bounds: Bounds,
    items: Mapping[str, Bounds],
    kind: str = "rgb",
) -> dict[str, Any]:
    """Give the files of a survey as LINZ publishes it: a collection and its items."""
    folder = f"{region}/{name}/{kind}/2193"
    interval = [f"{year}-01-01T00:00:00Z", f"{year}-03-31T00:00:00Z"]
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": f"01{name.upper()}",
        "license": "CC-BY-4.0",
        "extent": {"spatial": {"bbox": [list(bounds)]}, "temporal": {"interval": [interval]}},
        "links": [
            {"rel": "root", "href": "../../../../catalog.json"},
            {"rel": "self", "href": "./collection.json"},
            *({"rel": "item", "href": f"./{sheet}.json"} for sheet in items),
        ],
    }
    files: dict[str, Any] = {f"{folder}/collection.json": collection}
    for sheet, area in items.items():
        files[f"{folder}/{sheet}.json"] = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": f"{name}_{sheet}",
            "bbox": list(area),
            "geometry": mapping(box(*area)),
            "properties": {
                "datetime": None,
                "start_datetime": interval[0],
                "end_datetime": interval[1],
            },
            "assets": {"visual": {"href": f"./{sheet}.tiff", "roles": ["data"]}},
            "links": [{"rel": "collection", "href": "./collection.json"}],
        }
    return files


def catalogue(name: str, children: Sequence[str] = (), items: Sequence[str] = ()) -> dict[str, Any]:
    """Give a catalogue that links to others and to items; it says nothing of where they lie."""
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": name,
        "description": name,
        "links": [
            {"rel": "self", "href": "./catalog.json"},
            *({"rel": "child", "href": child} for child in children),
            *({"rel": "item", "href": item} for item in items),
        ],
    }
