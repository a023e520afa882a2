"""Overpass: answers queries from an OSM file, and goes wrong as the public instances do.

Strict: it knows only the few forms of a query that we send, refuses a client that does not say who
it is, and has one slot.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import osmium

from tests.emulators.faults import BROKEN, Faults
from tests.emulators.server import Broken, Emulator, Handler

_QUERY = re.compile(
    r"\[out:json\]\[timeout:\d+\]\[maxsize:\d+\](?:\[bbox:([^\]]+)\])?;"
    r"\(((?:nwr\[.*?\];)+)\);out (count|meta geom);"
)
_TAG = re.compile(r'nwr\["((?:[^"\\]|\\.)*)"(?:="((?:[^"\\]|\\.)*)")?\];')
_PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<html><head><title>OSM3S Response</title></head><body>
<p>The data included in this document is from www.openstreetmap.org.</p>
<p><strong style="color:#FF0000">Error</strong>: {} </p></body></html>"""
_STATUS = """Connected as: 2130706433
Current time: 2026-11-27T03:00:00Z
Announced endpoint: none
Rate limit: 1
Slot available after: 2026-11-27T03:00:45Z, in 45 seconds.
Currently running queries (pid, space limit, time limit, start time):
"""
Element = dict[str, Any]
Box = tuple[float, float, float, float]
"""South, west, north, east."""


class Instance(Emulator):
    """The emulated service, with the objects of a file."""

    def __init__(self, path: Path, faults: Faults | None = None) -> None:
        super().__init__(_Handler, faults or Faults(cap=1))
        self.elements = list(_elements(path))
        self.agents: set[str] = set()
        self.retry_after: str | None = None

    def answer(self, text: str) -> Element:
        """Answer a query; raise `ValueError` if it is not understood."""
        found = _QUERY.fullmatch(text)
        if not found:
            raise ValueError("line 1: parse error: Unknown type")
        bounds, lines, out = found.groups()
        box = tuple(float(side) for side in bounds.split(",")) if bounds else None
        tags = [(_plain(key), _plain(value)) for key, value in _TAG.findall(lines)]
        chosen = [each for each in self.elements if _matches(each, tags) and _lies_in(each, box)]
        if out == "count":
            counts = {
                f"{kind}s": str(sum(each["type"] == kind for each in chosen))
                for kind in ("node", "way", "relation")
            }
            counts |= {"areas": "0", "total": str(len(chosen))}
            chosen = [{"type": "count", "id": 0, "tags": counts}]
        return {"version": 0.6, "generator": "Overpass API 0.7.62", "elements": chosen}


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _matches(element: Element, tags: list[tuple[str, str]]) -> bool:
    own = element.get("tags", {})
    return any(key in own and value in ("", own[key]) for key, value in tags)


def _points(element: Element) -> Iterator[dict[str, float]]:
    if "lat" in element:
        yield element
    yield from filter(None, element.get("geometry", []))
    for member in element.get("members", []):
        yield from _points(member)


def _lies_in(element: Element, box: Any) -> bool:
    if box is None:
        return True
    south, west, north, east = box
    return any(south <= at["lat"] <= north and west <= at["lon"] <= east for at in _points(element))


def _elements(path: Path) -> Iterator[Element]:
    """Give the objects as `out meta geom` writes them; what the file lacks has no place."""
    nodes: dict[int, dict[str, float]] = {}
    ways: dict[int, list[dict[str, float] | None]] = {}
    names = {"n": "node", "w": "way", "r": "relation"}
    for thing in osmium.FileProcessor(str(path)):
        stamp = thing.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")
        found: Element = {"type": names[thing.type_str()], "id": thing.id, "timestamp": stamp}
        found |= {"version": thing.version, "changeset": 1, "user": "x", "uid": 1}
        if thing.is_node():
            nodes[thing.id] = {"lat": thing.lat, "lon": thing.lon}
            found |= nodes[thing.id]
        elif thing.is_way():
            found["nodes"] = [node.ref for node in thing.nodes]
            found["geometry"] = ways[thing.id] = [nodes.get(ref) for ref in found["nodes"]]
        else:
            found["members"] = [
                {"type": names[each.type], "ref": each.ref, "role": each.role}
                | ({"geometry": ways[each.ref]} if each.type == "w" and each.ref in ways else {})
                | (nodes.get(each.ref, {}) if each.type == "n" else {})
                for each in thing.members
            ]
        if len(thing.tags):
            found["tags"] = dict(thing.tags)
        yield found


class _Handler(Handler):
    def do_GET(self) -> None:
        self.server.service.desk.note("status", 200, time.monotonic())
        self.send(200, "text/plain", _STATUS.encode(), {})

    def do_POST(self) -> None:
        service = self.server.service
        (text,) = parse_qs(self.body().decode())["data"]
        with service.desk.admitted() as admitted:
            fault = service.desk.fault() if admitted else "429"
            self._answer(text, fault)

    def _answer(self, text: str, fault: str | None) -> None:
        service, agent = self.server.service, self.headers.get("User-Agent", "")
        service.agents.add(agent)
        if not agent or agent.startswith("python-requests"):
            return self._page(406, "say who you are")
        if fault in ("429", "504", "403"):
            wait = service.retry_after
            return self._page(int(fault), "not now", {"Retry-After": wait} if wait else {})
        if fault == "page":
            return self._page(200, "runtime error: open64: 0 Success /osm3s_osm_base Dispatcher")
        try:
            answer = service.answer(text)
        except ValueError as error:
            return self._page(400, str(error))
        if fault == "remark":
            remark = 'runtime error: Query timed out in "query" at line 1 after 181 seconds.'
            answer = answer | {"elements": answer["elements"][:1], "remark": remark}
        self._note(200)
        if fault == "half":
            self.send(200, "application/json", _json(answer)[:-20], {})
        elif fault in BROKEN:
            self.go_wrong(Broken(fault, "application/json", _json(answer)), 200, {})
        else:
            self.send(200, "application/json", _json(answer), {})

    def _note(self, status: int) -> None:
        self.server.service.desk.note("interpreter", status, time.monotonic())

    def _page(self, status: int, why: str, fields: dict[str, str] | None = None) -> None:
        self._note(status)
        self.send(status, "text/html; charset=utf-8", _PAGE.format(why).encode(), fields or {})


def _json(answer: Element) -> bytes:
    return json.dumps(answer, indent=2).encode()
