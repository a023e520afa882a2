"""Amazon S3 on localhost: moto's server, behind a proxy whose answers go wrong on the way."""

from __future__ import annotations

import http.client
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tests.emulators.faults import Faults
from tests.emulators.storage import Answer, Proxy, Storage


class Bucket(Storage):
    """Buckets in memory."""

    scheme = "s3"

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

    def environment(self) -> dict[str, str]:
        """Give the variables with which the pipeline uses this server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }

    def wrong_environment(self) -> dict[str, str]:
        """Give variables whose credentials this server does not accept."""
        return {"AWS_ACCESS_KEY_ID": "other"}

    def create(self, name: str) -> str:
        """Make a bucket; give its address."""
        connection = http.client.HTTPConnection(*self.address)
        connection.request("PUT", f"/{name}")
        assert connection.getresponse().status == 200
        connection.close()
        return f"s3://{name}"


class _Proxy(Proxy):
    """Refuses as Amazon does: moto takes any key."""

    def answer(self, body: bytes) -> Answer:
        if "Credential=key/" not in self.headers.get("Authorization", ""):
            return Answer(403, b"<Error><Code>InvalidAccessKeyId</Code></Error>")
        return super().answer(body)
