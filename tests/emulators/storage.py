"""What the emulated storages share: buckets, answers that go wrong, and how they are reached."""

from __future__ import annotations

import http.client
import time
from abc import abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.emulators.faults import BROKEN, Faults
from tests.emulators.server import Broken, Emulator, Handler

AFTER = "500 after"
"""The request is done, but the answer says that it failed."""
XML = "application/xml"


@dataclass
class Answer:
    """What a storage answers to a request."""

    status: int
    data: bytes = b""
    kind: str = XML
    fields: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    """Of the object, in the answer to HEAD."""


class Storage(Emulator):
    """Buckets on localhost, with faults; ``faults.kinds`` may have `AFTER`, too."""

    scheme: ClassVar[str]

    @abstractmethod
    def open(self) -> AbstractContextManager[Storage]:
        """Serve until the end of the block."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """Give the variables with which the pipeline uses this server."""

    @abstractmethod
    def wrong_environment(self) -> dict[str, str]:
        """Give variables whose credentials this server does not accept."""

    @abstractmethod
    def create(self, name: str) -> str:
        """Make a bucket; give its address."""

    def behave(self, faults: Faults) -> None:
        """Begin to go wrong in another way."""
        self.faults = self.desk.faults = faults


class StorageHandler(Handler):
    """Answers requests, unless something goes wrong."""

    def answer(self, body: bytes) -> Answer:
        """Do what is asked."""
        raise NotImplementedError

    def do_GET(self) -> None:
        service: Any = self.server.service
        with service.desk.admitted() as admitted:
            time.sleep(service.faults.latency)
            body, fault = self.body(), service.desk.fault()
            if not admitted:
                fault = "503"
            status = self._reply(body, fault)
        service.desk.note(self.command, status, time.monotonic())

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def _reply(self, body: bytes, fault: str | None) -> int:
        if fault is not None and fault.isdigit():
            self.send(int(fault), XML, b"<Error><Code>Oops</Code></Error>", {})
            return int(fault)
        found = self.answer(body)
        if fault == AFTER:
            self.send(500, XML, b"<Error><Code>Oops</Code></Error>", {})
            return 500
        if fault in BROKEN and self.command != "HEAD":
            self.go_wrong(Broken(fault, found.kind, found.data), found.status, found.fields)
        elif self.command == "HEAD":
            self._send_head(found)
        else:
            self.send(found.status, found.kind, found.data, found.fields)
        return found.status

    def _send_head(self, found: Answer) -> None:
        self.send_response(found.status)
        length = len(found.data) if found.length is None else found.length
        own = {"Content-Type": found.kind, "Content-Length": str(length)}
        for name, value in (found.fields | own).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()


class Proxy(StorageHandler):
    """Passes requests on to a server behind, at the service's ``address``."""

    passed_on: ClassVar[tuple[str, ...]] = ("etag", "last-modified", "content-range")
    prefixes: ClassVar[tuple[str, ...]] = ("x-amz-", "x-ms-")

    def answer(self, body: bytes) -> Answer:
        service: Any = self.server.service
        found, data = ask(service.address, self.command, self.path, body, self.headers)
        length = found.getheader("Content-Length") if self.command == "HEAD" else None
        return Answer(
            found.status,
            data,
            found.getheader("Content-Type") or XML,
            {name: value for name, value in found.getheaders() if self._is_passed(name.lower())},
            None if length is None else int(length),
        )

    def _is_passed(self, name: str) -> bool:
        return name in self.passed_on or name.startswith(self.prefixes)


def ask(
    address: tuple[str, int], method: str, path: str, body: bytes, headers: Any
) -> tuple[http.client.HTTPResponse, bytes]:
    """Make a request of a server behind a proxy."""
    connection = http.client.HTTPConnection(*address)
    kept = {k: v for k, v in headers.items() if k.lower() not in {"connection", "content-length"}}
    connection.request(method, path, body, kept | {"Content-Length": str(len(body))})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer, data
