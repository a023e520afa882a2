"""Vectors that are kept: computed once for a content, whoever asks again.

    embeddings/<name>-<digest of the model>/images/<id>.arrow
                                           texts/<id>.arrow

A file appears by rename and never changes, so that workers may read and write side by side, and
what a killed run has finished stays. A key is the BLAKE2b-128 of an image's bytes, or of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.atomic import TEMPORARY, content_id, write_file

KEY_BYTES = 16
SUFFIX = ".arrow"


def text_key(text: str) -> bytes:
    """Give a text's key."""
    return content_key(text.encode())


def content_key(data: bytes) -> bytes:
    """Give the key of an image file's bytes."""
    return bytes.fromhex(content_id(data))


class Kept(Protocol):
    """Vectors by key."""

    def get(self, keys: Sequence[bytes]) -> Entry:
        """Look keys up; a key that comes twice is found twice."""

    def add(
        self, keys: Sequence[bytes], vectors: NDArray[np.float32], likeness: Sequence[int]
    ) -> None:
        """Keep vectors; keys are distinct."""


class Entry(NamedTuple):
    """What was found: a vector a key, and the image's likeness; ``there`` says for which."""

    there: NDArray[np.bool_]
    vectors: NDArray[np.float32]
    likeness: NDArray[np.uint64]


class _File(NamedTuple):
    first: NDArray[np.uint64]
    """First half of each key, ascending."""
    second: NDArray[np.uint64]
    vectors: NDArray[np.float16] | NDArray[np.float32]
    likeness: NDArray[np.uint64]


class Store:
    """A folder of vectors, ``width`` numbers each."""

    def __init__(self, folder: Path, width: int, kind: type[np.float16] | type[np.float32]) -> None:
        self.folder = folder
        self.width = width
        self.kind = kind
        self._open: dict[str, _File] = {}

    @classmethod
    def existing(cls, folder: Path) -> Store:
        """Open a folder that holds vectors already, of whatever width."""
        first = min(folder.glob(f"*{SUFFIX}"))
        with pa.memory_map(str(first)) as source:
            kind = pa.ipc.open_file(source).schema.field("vector").type
        return cls(
            folder, kind.list_size, np.float16 if kind.value_type == pa.float16() else np.float32
        )

    def get(self, keys: Sequence[bytes]) -> Entry:
        """Look keys up; a key that comes twice is found twice."""
        first, second = _halves(keys)
        entry = Entry(
            np.zeros(len(keys), bool),
            np.zeros((len(keys), self.width), np.float32),
            np.zeros(len(keys), np.uint64),
        )
        if not keys:
            return entry
        for file in self._files():
            if len(file.first) == 0:
                continue
            at = np.minimum(np.searchsorted(file.first, first), len(file.first) - 1)
            hit = (file.first[at] == first) & (file.second[at] == second) & ~entry.there
            entry.there[hit] = True
            entry.vectors[hit] = file.vectors[at[hit]]
            entry.likeness[hit] = file.likeness[at[hit]]
        return entry

    def add(
        self, keys: Sequence[bytes], vectors: NDArray[np.float32], likeness: Sequence[int]
    ) -> None:
        """Keep vectors; keys are distinct."""
        if not keys:
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
        name = content_id(b"".join(sorted(keys)))
        write_file(self.folder / f"{name}{SUFFIX}", lambda path: _write(path, table))

    def _files(self) -> list[_File]:
        names = sorted(
            path.name
            for path in self.folder.glob(f"*{SUFFIX}")
            if not path.name.startswith(TEMPORARY)
        )
        for name in names:
            if name not in self._open:
                self._open[name] = self._mapped(self.folder / name)
        return [self._open[name] for name in names]

    def _mapped(self, path: Path) -> _File:
        """Open a file in place: nothing is copied until it is asked for."""
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
        flat = table["vector"].chunk(0).values.to_numpy(zero_copy_only=True)
        columns = (
            table[name].chunk(0).to_numpy(zero_copy_only=True)
            for name in ("first", "second", "likeness")
        )
        first, second, likeness = columns
        return _File(first, second, flat.reshape(-1, self.width), likeness)


class InMemory:
    """Vectors that this process forgets: what training measures is of weights that change."""

    def __init__(self) -> None:
        self._held: dict[bytes, tuple[NDArray[np.float32], int]] = {}

    def get(self, keys: Sequence[bytes]) -> Entry:
        """Look keys up."""
        width = len(next(iter(self._held.values()))[0]) if self._held else 0
        nothing = (np.zeros(width, np.float32), 0)
        found = [self._held.get(key, nothing) for key in keys]
        return Entry(
            np.array([key in self._held for key in keys], np.bool_),
            np.array([vector for vector, _ in found], np.float32).reshape(len(keys), width),
            np.array([bits for _, bits in found], np.uint64),
        )

    def add(
        self, keys: Sequence[bytes], vectors: NDArray[np.float32], likeness: Sequence[int]
    ) -> None:
        """Keep vectors."""
        self._held |= dict(zip(keys, zip(vectors, likeness, strict=True), strict=True))


def _halves(keys: Sequence[bytes]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    both = np.frombuffer(b"".join(keys), ">u8").reshape(-1, 2).astype(np.uint64)
    return both[:, 0].copy(), both[:, 1].copy()


def _write(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


class Counts(NamedTuple):
    """Vectors that a job's folder keeps, of all models."""

    images: int
    texts: int


def count_vectors(root: Path) -> Counts:
    """Count what is kept under a run's or a job's folder, from the files."""
    return Counts(
        *(sum(map(_rows, root.glob(f"embeddings/*/{kind}/*{SUFFIX}"))) for kind in Counts._fields)
    )


def _rows(path: Path) -> int:
    if path.name.startswith(TEMPORARY):
        return 0
    with pa.memory_map(str(path)) as source:
        return len(pa.ipc.open_file(source).read_all())  # mapped: nothing is copied
