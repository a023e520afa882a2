"""Downloads files from a server, each as one stream that can resume after an interruption.

The bytes are appended to ``<key>.<edition>.part``. The name contains a digest of the edition, and
each request to resume carries If-Range, so a part file never holds bytes of two editions.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from pipeline.atomic import content_id, storage
from pipeline.errors import RemoteError
from stages.download.server import Changed, Edition, Server, Transient, blocks

if TYPE_CHECKING:
    import requests

_EDITIONS = 3
"""A download fails if its file changes this many times."""
_PROGRESS = 1 << 16
"""Bytes after which a broken response counts as progress, not as a failed attempt."""

Tell = Callable[[int, int | None], None]
"""Called with the bytes done and the bytes in total, if known. May raise to stop the work."""


def part_files(folder: Path, key: str) -> list[Path]:
    """List the unfinished files of an artefact."""
    return list(folder.glob(f"{glob.escape(key)}.*.part"))


class Transfer(NamedTuple):
    """A file to fetch into a folder."""

    server: Server
    path: str
    folder: Path
    key: str
    sync_every: int
    tell: Tell

    def fetch(self, edition: Edition) -> tuple[Path, Edition]:
        """Fetch the whole file. Returns the part file and the edition that it holds.

        Raises `RemoteError`, and `StorageError` if the disk is full.
        """
        for _ in range(_EDITIONS):
            part = self._begin(edition)
            try:
                self._complete(part, edition)
            except Changed:
                edition = self.server.probe(self.path)
            else:
                return part, edition
        raise RemoteError(
            f"{self.server.url(self.path)}: the file has changed {_EDITIONS} times during its "
            "download; try again later."
        )

    def _begin(self, edition: Edition) -> Path:
        """Create the part file of an edition; remove those of others, and bytes not yet synced.

        A power cut can damage the bytes written since the last completed sync, which is at most two
        intervals before the end.
        """
        digest = content_id(json.dumps(edition).encode())[:16]
        part = self.folder / f"{self.key}.{digest}.part"
        for path in part_files(self.folder, self.key):
            if path != part:
                path.unlink()
        with storage(part), part.open("ab") as file:
            intervals = file.tell() // self.sync_every - 1 if edition.can_resume else 0
            file.truncate(max(0, intervals) * self.sync_every)
        return part

    def _complete(self, part: Path, edition: Edition) -> None:
        """Append to the part file until it is whole: the next response continues a broken one."""
        while edition.size is None or part.stat().st_size < edition.size:
            self.server.retry(self.path, lambda: self._append(part, edition))
            if edition.size is None:  # the end of the response is the only sign of the file's end
                return

    def _append(self, part: Path, edition: Edition) -> None:
        """Append the bytes of one response. A response that breaks off early on is `Transient`."""
        start = part.stat().st_size
        headers = {}
        if start and edition.can_resume:
            headers = {"Range": f"bytes={start}-", "If-Range": str(edition.validator)}
        try:
            with self.server.answer("GET", self.path, headers) as response:
                edition.check(response, start)
                if response.status_code == 206 and not edition.is_named_in(response):
                    os.truncate(part, 0)
                    raise Transient("the server does not say of which edition it sends a part")
                with storage(part), part.open("ab") as file:
                    if response.status_code != 206:
                        file.truncate(0)
                    self._copy(response, file, edition.size)
        except Transient:
            if edition.size is None or part.stat().st_size < start + _PROGRESS:
                raise

    def _copy(self, response: requests.Response, file: IO[bytes], size: int | None) -> None:
        done = file.seek(0, os.SEEK_END)
        for block in blocks(response):
            file.write(block)
            before, done = done, done + len(block)
            if size is not None and done > size:
                file.truncate(0)
                raise RemoteError(f"{response.url}: the server sends more than {size:,} bytes.")
            if before // self.sync_every < done // self.sync_every:
                file.flush()
                os.fsync(file.fileno())
            self.tell(done, size)
        if size is not None and done < size:
            raise Transient(f"the response ended {size - done:,} bytes early")
