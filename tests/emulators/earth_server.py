"""The HTTP of the emulated Earth Engine: routes, and answers that go wrong on the way."""

from __future__ import annotations

import json
import time
import uuid
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.emulators.earth_images import Refused, invalid
from tests.emulators.faults import BROKEN
from tests.emulators.server import Broken, Handler

PIXELS = {"getPixels", "computePixels", "getThumbnail"}
RESTRICTED = "parallelism_restricted=true"
_LARGEST = 10485760
"""Bytes of a request."""


@lru_cache
def _discovery() -> bytes:
    """Give the wheel's discovery document, with what it lacks against the real one."""
    text = files("ee").joinpath("tests/cloud_api_discovery_document.json").read_text()
    document = json.loads(text.replace("v1alpha", "v1"))
    assets = document["resources"]["projects"]["resources"]["assets"]["methods"]
    for name in ("filter", "view"):
        assets["listAssets"]["parameters"][name] = {"location": "query", "type": "string"}
    return json.dumps(document).encode()


@lru_cache
def _algorithms() -> bytes:
    return files("ee").joinpath("tests/algorithms.json").read_bytes()


class EarthHandler(Handler):
    """Routes requests; the service refuses or answers them."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.body())

    def _answer(self, body: bytes) -> None:
        earth, arrived = self.server.service, time.monotonic()
        path = urlsplit(self.path)
        if path.path == "/$discovery/rest":
            return self.send(200, "application/json", _discovery(), {})
        method = _method(path.path)
        with earth.desk.admitted() as admitted:
            try:
                if path.path == "/token":
                    kind, data = _as_json(earth.token())
                else:
                    if method != "getThumbnail":  # its address is the secret
                        earth.check(self.headers)
                    if not admitted and method != "algorithms":
                        raise Refused(429, "RESOURCE_EXHAUSTED", "Too Many Requests: quota.")
                    kind, data = self._work(method, path.path, parse_qs(path.query), body)
                earth.desk.note(method, 200, arrived)
                return self.send(200, kind, data, self._fields())
            except Refused as refusal:
                earth.desk.note(method, refusal.status, arrived)
                return self._refuse(refusal)
            except Broken as broken:
                earth.desk.note(method, 0, arrived)
                return self.go_wrong(broken, 200, self._fields())

    def _fields(self) -> dict[str, str]:
        restricted = self.server.service.faults.restricted
        return {"x-earth-engine-quota-status": RESTRICTED} if restricted else {}

    def _work(
        self, method: str, path: str, query: dict[str, list[str]], content: bytes
    ) -> tuple[str, bytes]:
        earth = self.server.service
        if method == "algorithms":
            return "application/json", _algorithms()
        body = _read_json(content)
        name = unquote(path.removeprefix("/v1/").removesuffix(f":{method}"))
        time.sleep(earth.faults.latency)
        fault = earth.desk.fault() if method in PIXELS else None
        _refuse_by(fault)
        match method:
            case "listAssets":
                return _as_json(earth.list_assets(name, query))
            case "getAsset":
                return _as_json(earth.asset(name))
            case "value:compute":
                return _as_json(earth.compute_value(name.removesuffix("/value:compute"), body))
            case "createThumbnail":
                earth.thumbnails[key := f"{name}/{uuid.uuid4().hex}"] = body
                return _as_json({"name": key})
            case "getThumbnail":
                kind, data = earth.get_thumbnail(name.removesuffix(":getPixels"))
            case "computePixels":
                kind, data = earth.compute_pixels(name.removesuffix("/image"), body)
            case "getPixels":
                kind, data = earth.get_pixels(name, body)
            case _:
                raise Refused(404, "NOT_FOUND", f"no method {path}")
        if fault in BROKEN:
            raise Broken(fault, kind, data)
        return kind, data[: len(data) // 2] if fault == "garbage" else data

    def _refuse(self, refusal: Refused) -> None:
        error = {"code": refusal.status, "message": str(refusal), "status": refusal.name}
        if refusal.name == "invalid_grant":
            answer: dict[str, Any] = {"error": refusal.name, "error_description": str(refusal)}
        else:
            answer = {"error": error}
        self.send_json(refusal.status, answer, self._fields())


def _refuse_by(fault: str | None) -> None:
    match fault:
        case "429":
            raise Refused(429, "RESOURCE_EXHAUSTED", "Too Many Requests: try again later.")
        case "500" | "503":
            raise Refused(int(fault), "UNAVAILABLE", "The service is currently unavailable.")
        case "memory":
            raise invalid("User memory limit exceeded.")
        case "crowded":
            raise invalid("Too many concurrent aggregations.")
        case "timeout":
            raise invalid("Computation timed out.")


def _read_json(content: bytes) -> dict[str, Any]:
    if len(content) > _LARGEST:
        raise invalid(f"Request payload size exceeds the limit: {_LARGEST} bytes.")
    try:
        body = json.loads(content) if content else {}
    except ValueError as error:
        raise invalid(f"Invalid JSON payload received. {error}") from None
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. Root element must be a message.")
    return body


def _as_json(value: object) -> tuple[str, bytes]:
    return "application/json", json.dumps(value).encode()


def _method(path: str) -> str:
    if path == "/token":
        return "token"
    if path.endswith("/algorithms"):
        return "algorithms"
    if path.endswith("/thumbnails"):
        return "createThumbnail"
    if "/thumbnails/" in path:
        return "getThumbnail"
    for name in ("listAssets", "getPixels", "computePixels"):
        if path.endswith(f":{name}"):
            return name
    return "value:compute" if path.endswith("value:compute") else "getAsset"
