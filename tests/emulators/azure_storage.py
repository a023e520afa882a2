"""Azure Blob Storage on localhost: Azurite, Microsoft's own emulator, behind a proxy with faults.

It is a program for node, which `make azurite` installs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

from tests.emulators.faults import Faults
from tests.emulators.storage import Proxy, Storage, ask

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of every Azurite: it is public."""
_VERSION = "2021-08-06"
_SECONDS = 60


def find_azurite() -> str | None:
    """Give the program, of the environment of this Python or of the user."""
    inside = Path(sys.prefix) / "azurite/node_modules/.bin/azurite-blob"
    return str(inside) if inside.exists() else shutil.which("azurite-blob")


class AzureStorage(Storage):
    """Containers in memory."""

    scheme = "az"

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(Proxy, faults)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = ("127.0.0.1", int(free.getsockname()[1]))

    @contextmanager
    def open(self) -> Iterator[AzureStorage]:
        """Serve until the end of the block."""
        options = "--inMemoryPersistence --silent --skipApiVersionCheck --disableTelemetry"
        command = [find_azurite() or "", *options.split(), "--blobPort", str(self.address[1])]
        behind = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._wait(behind)
            with self:
                yield self
        finally:
            behind.terminate()
            behind.wait()

    def _wait(self, behind: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + _SECONDS
        while behind.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(self.address).close()
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("Azurite does not start")

    def environment(self) -> dict[str, str]:
        """Give the variables with which the pipeline uses this server."""
        return {
            "AZURE_STORAGE_USE_EMULATOR": "true",
            "AZURITE_BLOB_STORAGE_URL": self.url,
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        }

    def wrong_environment(self) -> dict[str, str]:
        """Give variables whose credentials this server does not accept."""
        return {"AZURE_STORAGE_ACCOUNT_KEY": base64.b64encode(bytes(64)).decode()}

    def create(self, name: str) -> str:
        """Make a container; give its address."""
        fields = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _VERSION}
        stated = "".join(f"{field}:{value}\n" for field, value in fields.items())
        text = f"PUT{12 * chr(10)}{stated}/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
        digest = hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)
        signature = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
        path = f"/{ACCOUNT}/{name}?restype=container"
        found, data = ask(self.address, "PUT", path, b"", fields | {"Authorization": signature})
        assert found.status == 201, data
        return f"az://{name}"
