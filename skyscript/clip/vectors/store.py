"""Stores vectors on disk by content, so that each is computed once.

    embeddings/<name>-<digest of the model>/images/<id of the keys>-<id of the bytes>.arrow
                                           texts/<id of the keys>-<id of the bytes>.arrow

A file is written by rename and never changes. So workers can read and write at the same time, and
the finished files of a killed run stay. A key is the BLAKE2b-128 digest of an image's bytes or a
text. A file that Arrow cannot read is removed, so its vectors are computed again; one whose values
are damaged is found by `remove_damaged` only.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.atomic import TEMPORARY, content_id, content_id_of_file, write_bytes
from pipeline.errors import InputError
from pipeline.storage import Place, local_copy, matching
from skyscript.clip.vectors.index import KeyIndex

KEY_BYTES = 16
SUFFIX = ".arrow"
STORES = ("embeddings/*/*",)
"""The folders of vectors, as patterns relative to the folder of a run or a job."""
UNREADABLE = (pa.ArrowException, OSError, LookupError, ValueError, AttributeError)
"""What reading a damaged file may raise."""
log = logging.getLogger(__name__)


def text_key(text: str) -> bytes:
    """Give the key of a text."""
    return content_key(text.encode())


def content_key(data: bytes) -> bytes:
    """Give the key of an image file's bytes."""
    return bytes.fromhex(content_id(data))


class VectorStore(Protocol):
    """Stores vectors by key."""

    def get(self, keys: Sequence[bytes]) -> Entry:
        """Look keys up; keys may repeat."""

    def add(
        self, keys: Sequence[bytes], vectors: NDArray[np.float32], likeness: Sequence[int]
    ) -> None:
        """Store vectors; keys are distinct."""


class Entry(NamedTuple):
    """The result of a look-up: for each key a vector and the image's likeness, if stored."""

    is_stored: NDArray[np.bool_]
    vectors: NDArray[np.float32]
    likeness: NDArray[np.uint64]


class _File(NamedTuple):
    """The columns of a file, mapped into memory; its rows ascend by key."""

    first: NDArray[np.uint64]
    second: NDArray[np.uint64]
    vectors: NDArray[np.float16] | NDArray[np.float32]
    likeness: NDArray[np.uint64]


class Store:
    """A folder of vectors with ``width`` dimensions, in files of the folder or of folders below it.

    It finds keys by an index of all files, and adds the new files of this and other processes to it
    at each look-up. So a look-up costs the same with one file as with thousands.
    """

    def __init__(
        self, folder: Place, width: int, kind: type[np.float16] | type[np.float32]
    ) -> None:
        self.folder = folder
        self.width = width
        self.kind = kind
        self._forget()

    @classmethod
    def open_existing(cls, folder: Place) -> Store:
        """Open a folder that contains vectors, of any width. Raises `InputError` without any."""
        for path in matching(folder, f"**/*{SUFFIX}"):
            with suppress(*UNREADABLE), pa.memory_map(str(local_copy(path))) as source:
                kind = pa.ipc.open_file(source).schema.field("vector").type
                is_half = kind.value_type == pa.float16()
                return cls(folder, kind.list_size, np.float16 if is_half else np.float32)
        raise InputError(f"{folder}: contains no vectors that can be read.")

    def get(self, keys: Sequence[bytes]) -> Entry:
        """Look keys up; keys may repeat."""
        first, second = _halves(keys)
        entry = Entry(
            np.zeros(len(keys), bool),
            np.zeros((len(keys), self.width), np.float32),
            np.zeros(len(keys), np.uint64),
        )
        self._refresh()
        files, rows = self._index.find((first, second))
        for number in np.unique(files[files >= 0]).tolist():
            hit = np.flatnonzero(files == number)
            file = self._open[number]
            entry.is_stored[hit] = True
            entry.vectors[hit] = file.vectors[rows[hit]]
            entry.likeness[hit] = file.likeness[rows[hit]]
        return entry

    def add(
        self, keys: Sequence[bytes], vectors: NDArray[np.float32], likeness: Sequence[int]
    ) -> None:
        """Store vectors; keys are distinct. Keys that are stored together already stay as is."""
        of_keys = content_id(b"".join(sorted(keys)))
        if not keys or any(name.startswith(of_keys) for name in _list(self.folder)):
            return
        first, second = _halves(keys)
        order = np.lexsort((second, first))
        values = pa.array(vectors[order].astype(self.kind).reshape(-1))
        table = pa.table(
            {
                "first": first[order],
                "second": second[order],
                "likeness": np.array(likeness, np.uint64)[order],
                "vector": pa.FixedSizeListArray.from_arrays(values, self.width),
            }
        ).combine_chunks()
        data = _serialised(table)
        write_bytes(self.folder / f"{of_keys}-{content_id(data)}{SUFFIX}", data)

    def _forget(self) -> None:
        self._known: set[str] = set()
        self._open: list[_File] = []
        self._index = KeyIndex()

    def _refresh(self) -> None:
        """Add the files to the index that were written since the last look-up."""
        names = {name for name in _list(self.folder) if name.endswith(SUFFIX)}
        if not names >= self._known:
            self._forget()  # files were removed
        for name in sorted(names - self._known):
            file = self._map_or_remove(self.folder / name)
            if file is None:
                continue
            self._index.add((file.first, file.second), len(self._open))
            self._open.append(file)
            self._known.add(name)

    def _map_or_remove(self, path: Place) -> _File | None:
        try:
            return self._map(path)
        except UNREADABLE:
            log.warning("%s is damaged: its vectors are computed again", path)
            path.unlink(missing_ok=True)
            return None

    def _map(self, path: Place) -> _File:
        """Map a file into memory; only the vectors that are looked up are copied."""
        with pa.memory_map(str(local_copy(path))) as source:
            table = pa.ipc.open_file(source).read_all()
        flat = table["vector"].chunk(0).values.to_numpy(zero_copy_only=True)
        columns = (
            table[name].chunk(0).to_numpy(zero_copy_only=True)
            for name in ("first", "second", "likeness")
        )
        first, second, likeness = columns
        return _File(first, second, flat.reshape(-1, self.width), likeness)


def _list(folder: Place) -> list[str]:
    """Give the paths of the finished files below a folder, relative to it."""
    start = len(str(folder)) + 1
    if isinstance(folder, Path):  # quicker than its glob
        every = [f"{base}/{name}" for base, _, names in os.walk(folder) for name in names]
    else:
        every = [str(path) for path in folder.glob("**/*")]
    names = [path[start:] for path in every]
    return [name for name in names if not name.rpartition("/")[2].startswith(TEMPORARY)]


@functools.lru_cache(maxsize=4)
def open_store(folder: Place, width: int, kind: type[np.float16] | type[np.float32]) -> Store:
    """Open a store and keep it for later calls in this process, with its index."""
    return Store(folder, width, kind)


class MemoryStore:
    """Vectors in memory, for training: the weights change, so the vectors cannot be reused."""

    def __init__(self) -> None:
        self._entries: dict[bytes, tuple[NDArray[np.float32], int]] = {}

    def get(self, keys: Sequence[bytes]) -> Entry:
        """Look keys up; keys may repeat."""
        width = len(next(iter(self._entries.values()))[0]) if self._entries else 0
        nothing = (np.zeros(width, np.float32), 0)
        found = [self._entries.get(key, nothing) for key in keys]
        return Entry(
            np.array([key in self._entries for key in keys], np.bool_),
            np.array([vector for vector, _ in found], np.float32).reshape(len(keys), width),
            np.array([bits for _, bits in found], np.uint64),
        )

    def add(
        self, keys: Sequence[bytes], vectors: NDArray[np.float32], likeness: Sequence[int]
    ) -> None:
        """Store vectors."""
        self._entries |= dict(zip(keys, zip(vectors, likeness, strict=True), strict=True))


def _halves(keys: Sequence[bytes]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    both = np.frombuffer(b"".join(keys), ">u8").reshape(-1, 2).astype(np.uint64)
    return both[:, 0].copy(), both[:, 1].copy()


def _serialised(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def remove_damaged(root: Place) -> list[Place]:
    """Remove the vector files of a run or a job that are damaged; give their paths.

    Files of earlier versions, whose names do not contain the id of their bytes, are not checked.
    """
    damaged = [path for path in matching(root, f"embeddings/**/*{SUFFIX}") if _is_damaged(path)]
    for path in damaged:
        path.unlink()
    return damaged


def _is_damaged(path: Place) -> bool:
    _, dash, of_bytes = path.stem.partition("-")
    return bool(dash) and of_bytes != content_id_of_file(path)


class Counts(NamedTuple):
    """The numbers of stored vectors, of all models."""

    images: int
    texts: int


def count_vectors(root: Place) -> Counts:
    """Count the vectors that are stored in the folder of a run or a job.

    Those in a bucket are not counted: their files would be read only to be counted.
    """
    if not isinstance(root, Path):
        return Counts(0, 0)
    return Counts(
        *(sum(map(_rows, root.glob(f"embeddings/*/{kind}/*{SUFFIX}"))) for kind in Counts._fields)
    )


def _rows(path: Path) -> int:
    if path.name.startswith(TEMPORARY):
        return 0
    with pa.memory_map(str(local_copy(path))) as source:
        return len(pa.ipc.open_file(source).read_all())  # memory-mapped: nothing is copied
