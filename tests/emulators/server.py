"""What the emulated services share: a server on localhost, and answers that go wrong on the way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.emulators.faults import Desk, Faults

HANG = 3.0
"""Seconds after which a hanging or dripping answer is given up by the server itself."""
_PIECE, _PAUSE = 64, 0.05
"""Bytes, and the seconds after them, of a dripping answer."""


class Emulator:
    """A service in threads of its own, with faults and an account of what was asked."""

    def __init__(self, handler: type[Handler], faults: Faults | None) -> None:
        self.faults = faults or Faults()
        self.desk = Desk(self.faults)
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.service = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Broken(Exception):
    """An answer that is to go wrong on its way."""

    def __init__(self, fault: str, kind: str, data: bytes) -> None:
        super().__init__(fault)
        self.fault, self.kind, self.data = fault, kind, data


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    service: Any

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away: some tests make them."""


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def send(self, status: int, kind: str, data: bytes, fields: Mapping[str, str]) -> None:
        self._head(status, kind, len(data), fields)
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()

    def send_json(self, status: int, value: object, fields: Mapping[str, str]) -> None:
        self.send(status, "application/json", json.dumps(value).encode(), fields)

    def go_wrong(self, broken: Broken, status: int, fields: Mapping[str, str]) -> None:
        """Give no answer, or the first half of one, at once or drop by drop."""
        self.close_connection = True
        if broken.fault == "hang":
            time.sleep(HANG)
            return
        self._head(status, broken.kind, len(broken.data), fields)
        end = time.monotonic() + HANG
        for start in range(0, len(broken.data) // 2, _PIECE):
            self.wfile.write(broken.data[start : start + _PIECE])
            if broken.fault == "slow":
                self.wfile.flush()
                time.sleep(_PAUSE)
                if time.monotonic() > end:
                    return

    def _head(self, status: int, kind: str, length: int, fields: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()
