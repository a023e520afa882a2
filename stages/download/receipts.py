"""What is on record of an artefact that has come: where from, its checksums, its files."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.atomic import storage, write_bytes, write_file
from pipeline.errors import LockError
from stages.download.archive import Member, damaged

FOLDER = "_download"
_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),  # from the folder that was unpacked into
        pa.field("size", pa.int64(), nullable=False),
        pa.field("crc32", pa.uint32(), nullable=False),
    ]
)


class Receipt(NamedTuple):
    """Of one artefact."""

    name: str
    url: str
    size: int
    etag: str | None
    modified: str | None
    sha256: str
    md5: str
    proof: Sequence[str]
    """What proves the bytes right, in words; nothing: their number alone agrees."""
    file: str | None
    """Where the file itself lies in the root; none where it was unpacked and removed."""
    unpacked: int | None
    """Files that it was unpacked to; none for a file that is no archive."""


class Receipts:
    """The folder ``_download`` of a data root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / FOLDER

    def read(self, key: str) -> Receipt | None:
        """Give an artefact's receipt; None where there is none, or it was cut short."""
        try:
            content: dict[str, Any] = json.loads(self._path(key).read_bytes())
            return Receipt(**content)
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, key: str, receipt: Receipt, members: Sequence[Member]) -> None:
        """Keep a receipt, and the list of unpacked files before it."""
        if receipt.unpacked is not None:
            columns = zip(*members, strict=True) if members else ([], [], [])
            arrays = [pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
            table = pa.Table.from_arrays(arrays, schema=_SCHEMA)
            write_file(self._files(key), lambda path: pq.write_table(table, path))
        write_bytes(self._path(key), (json.dumps(receipt._asdict(), indent=1) + "\n").encode())

    def wrong(
        self, key: str, receipt: Receipt, folder: Path, check: Literal["content", "sizes"]
    ) -> str | None:
        """Name the first file that is not as the receipt says; None where all are."""
        if receipt.file is not None and not self._is_whole(receipt, check):
            return receipt.file
        if receipt.unpacked is None:
            return None
        try:
            file = pq.ParquetFile(self._files(key))
        except (OSError, pa.ArrowException):
            return self._files(key).name
        with file:
            members = (
                Member(*row)
                for batch in file.iter_batches()
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
            )
            return damaged(members, folder, content=check == "content")

    def _is_whole(self, receipt: Receipt, check: Literal["content", "sizes"]) -> bool:
        path = self.root / (receipt.file or "")
        if not path.is_file() or path.stat().st_size != receipt.size:
            return False
        if check == "sizes":
            return True
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == receipt.sha256

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.receipt.json"

    def _files(self, key: str) -> Path:
        return self.folder / f"{key}.files.parquet"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one download. Raises `LockError` where another is at work."""
        with storage(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "_lock").open("a+")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockError(
                    f"{self.root}: another download is at work here; wait, or end it."
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}")
            lock.flush()
            yield
