"""The HTTP of the emulated Earth Engine: routes, and answers that go wrong on the way."""

from __future__ import annotations

import json
import time
import uuid
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.emulators.earth_images import Refused, invalid

PIXELS = {"getPixels", "computePixels", "getThumbnail"}
HANG = 3.0
"""Seconds after which a hanging or dripping answer is given up by the server itself."""


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


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    earth: Any
    """The service."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away: some tests make them."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def _answer(self, body: str) -> None:
        earth, arrived = self.server.earth, time.monotonic()
        path = urlsplit(self.path)
        if path.path == "/$discovery/rest":
            return self._send(200, "application/json", _discovery())
        method = _method(path.path)
        with earth.desk.admitted() as admitted:
            try:
                if path.path == "/token":
                    kind, data = "application/json", json.dumps(earth.token()).encode()
                else:
                    if method != "getThumbnail":  # its address is the secret
                        earth.check(self.headers)
                    if not admitted and method != "algorithms":
                        raise Refused(429, "RESOURCE_EXHAUSTED", "Too Many Requests: quota.")
                    kind, data = self._work(method, path.path, parse_qs(path.query), body)
                earth.desk.note(method, 200, arrived)
                return self._send(200, kind, data)
            except Refused as refusal:
                earth.desk.note(method, refusal.status, arrived)
                return self._refuse(refusal)
            except _Broken as broken:
                earth.desk.note(method, 0, arrived)
                return self._break(broken)

    def _work(
        self, method: str, path: str, query: dict[str, list[str]], text: str
    ) -> tuple[str, bytes]:
        earth = self.server.earth
        if method == "algorithms":
            return "application/json", _algorithms()
        body = json.loads(text) if text else {}
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
                return _as_json(earth.compute_value(body))
            case "createThumbnail":
                earth.thumbnails[key := f"{name}/{uuid.uuid4().hex}"] = body
                return _as_json({"name": key})
            case "getThumbnail":
                kind, data = earth.get_thumbnail(name.removesuffix(":getPixels"))
            case "computePixels":
                kind, data = earth.compute_pixels(body)
            case "getPixels":
                kind, data = earth.get_pixels(name, body)
            case _:
                raise Refused(404, "NOT_FOUND", f"no method {path}")
        if fault in {"cut", "slow", "hang"}:
            raise _Broken(fault, kind, data)
        return kind, data[: len(data) // 2] if fault == "garbage" else data

    def _refuse(self, refusal: Refused) -> None:
        error = {"code": refusal.status, "message": str(refusal), "status": refusal.name}
        if refusal.name == "invalid_grant":
            answer: dict[str, Any] = {"error": refusal.name, "error_description": str(refusal)}
        else:
            answer = {"error": error}
        self._send(refusal.status, "application/json", json.dumps(answer).encode())

    def _send(self, status: int, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if self.server.earth.faults.restricted:
            self.send_header("x-earth-engine-quota-status", "parallelism_restricted=true")
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _break(self, broken: _Broken) -> None:
        self.close_connection = True
        if broken.fault == "hang":
            time.sleep(HANG)
            return
        self.send_response(200)
        self.send_header("Content-Type", broken.kind)
        self.send_header("Content-Length", str(len(broken.data)))
        self.end_headers()
        end = time.monotonic() + HANG
        for start in range(0, len(broken.data) // 2, 64):
            self.wfile.write(broken.data[start : start + 64])
            if broken.fault == "slow":
                self.wfile.flush()
                time.sleep(0.05)
                if time.monotonic() > end:
                    return


class _Broken(Exception):
    def __init__(self, fault: str, kind: str, data: bytes) -> None:
        super().__init__(fault)
        self.fault, self.kind, self.data = fault, kind, data


def _refuse_by(fault: str | None) -> None:
    match fault:
        case "429":
            raise Refused(429, "RESOURCE_EXHAUSTED", "Too Many Requests: try again later.")
        case "500" | "503":
            raise Refused(int(fault), "UNAVAILABLE", "The service is currently unavailable.")
        case "memory":
            raise invalid("User memory limit exceeded.")
        case "timeout":
            raise invalid("Computation timed out.")


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
