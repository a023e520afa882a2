"""Amazon S3 on localhost: moto's server, behind a proxy whose answers go wrong on the way."""

from __future__ import annotations

import http.client
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.emulators.faults import BROKEN, Faults
from tests.emulators.server import Broken, Emulator, Handler

AFTER = "500 after"
"""The request is done, but the answer says that it failed."""
_PASSED_ON = ("etag", "last-modified", "content-range", "content-type")


class Bucket(Emulator):
    """Buckets in memory, with faults; ``faults.kinds`` may have `AFTER`, too."""

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(_Proxy, faults)
        self.address = ("127.0.0.1", 0)

    @contextmanager
    def open(self) -> Iterator[Bucket]:
        """Serve until the end of the block."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries that moto uses
            from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        behind = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        behind.start()
        try:
            self.address = behind.get_host_and_port()
            with self:
                yield self
        finally:
            behind.stop()

    def behave(self, faults: Faults) -> None:
        """Begin to go wrong in another way."""
        self.faults = self.desk.faults = faults

    def environment(self) -> dict[str, str]:
        """Give the variables with which the pipeline uses this server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }

    def create(self, name: str) -> str:
        """Make a bucket; give its address."""
        connection = http.client.HTTPConnection(*self.address)
        connection.request("PUT", f"/{name}")
        assert connection.getresponse().status == 200
        connection.close()
        return f"s3://{name}"


class _Proxy(Handler):
    """Passes requests on, unless something goes wrong."""

    def do_GET(self) -> None:
        self._pass_on()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def _pass_on(self) -> None:
        service: Any = self.server.service
        with service.desk.admitted() as admitted:
            time.sleep(service.faults.latency)
            body, fault = self.body(), service.desk.fault()
            if not admitted:
                fault = "503"
            status = self._answer(service, body, fault)
        service.desk.note(self.command, status, time.monotonic())

    def _answer(self, service: Bucket, body: bytes, fault: str | None) -> int:
        if fault is not None and fault.isdigit():
            self.send(int(fault), "application/xml", b"<Error><Code>Oops</Code></Error>", {})
            return int(fault)
        answer, data = _ask(service.address, self.command, self.path, body, self.headers)
        kind = answer.getheader("Content-Type") or "application/xml"
        fields = {name: value for name, value in answer.getheaders() if _is_passed(name)}
        if fault == AFTER:
            self.send(500, "application/xml", b"<Error><Code>Oops</Code></Error>", {})
            return 500
        if fault in BROKEN and self.command != "HEAD":
            self.go_wrong(Broken(fault, kind, data), answer.status, fields)
            return answer.status
        if self.command == "HEAD":
            fields |= {"Content-Type": kind}
            self._send_head(answer.status, answer.getheader("Content-Length") or "0", fields)
        else:
            self.send(answer.status, kind, data, fields)
        return answer.status

    def _send_head(self, status: int, length: str, fields: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (fields | {"Content-Length": length}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()


def _is_passed(name: str) -> bool:
    lower = name.lower()
    return lower in _PASSED_ON[:3] or lower.startswith("x-amz-")


def _ask(
    address: tuple[str, int], method: str, path: str, body: bytes, headers: Any
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(*address)
    kept = {k: v for k, v in headers.items() if k.lower() not in {"connection", "content-length"}}
    connection.request(method, path, body, kept | {"Content-Length": str(len(body))})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer, data
