"""The blobs of a PBF file: where they lie, what its header demands, and their data, decompressed.

Sizes are those that the format allows (32 MB a block), so a blob that would swell is refused.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pyarrow as pa

from skyscript.osm.blocks.errors import NotTakenError
from skyscript.osm.blocks.protobuf import PADDING, Bytes, field, fields

LARGEST_HEADER = 64 * 1024
LARGEST_BLOB = 32 * 1024 * 1024
FEATURES = frozenset(("OsmSchema-V0.6", "DenseNodes"))
"""Features that a file may require. Others change what the objects mean."""
PLACES_ON_WAYS = "LocationsOnWays"

_BLOB_HEADER = np.array([-1, 2, -1, 0, -1, -1, -1, -1, -1, -1, -1], dtype=np.int64)
_BLOB = np.array([-1, 2, 0, 2, -1, -1, 2, 2, -1, -1, -1], dtype=np.int64)
_ARROW = {6: "lz4_raw", 7: "zstd"}


class Blob(NamedTuple):
    """A piece of a file that holds one block."""

    start: int
    size: int
    least: int = 0
    """The rank of the first type that the block may hold: 0 nodes, 1 ways, 2 relations."""
    most: int = 2
    """The rank of the last type that it may hold."""


class Container:
    """An open PBF file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def find_all(self) -> list[Blob]:
        """Find the blobs of data; raises `NotTakenError` if the header demands what is unknown."""
        size = os.fstat(self._file.fileno()).st_size
        blobs: list[Blob] = []
        at = 0
        while at < size or not blobs:
            what, blob = self._find(at, size)
            if what != (b"OSMData" if blobs else b"OSMHeader"):
                raise ValueError("blobs that are not a header, then data")
            blobs.append(blob)
            at = blob.start + blob.size
        header, *data = blobs
        _check_header(self.data(header))
        return data

    def data(self, blob: Blob) -> bytes:
        """Read and decompress a blob; raises `ValueError` if its size is not the stated one."""
        read = os.pread(self._file.fileno(), blob.size, blob.start)
        found = _fields(read, _BLOB)
        packed = [number for number in (1, 3, 6, 7) if found[number, 0]]
        if len(read) != blob.size or len(packed) != 1:
            raise ValueError("a blob that is cut off, or packed in no known way")
        content = memoryview(read)[found[packed[0], 1] : found[packed[0], 2]]
        if packed[0] == 1:
            return _of_size(bytes(content), len(content))
        raw_size = int(found[2, 1])
        if not 0 < raw_size <= LARGEST_BLOB:
            raise ValueError("a block of a size that is not allowed")
        if packed[0] == 3:
            return _of_size(_inflate(content, raw_size), raw_size)
        try:
            data = pa.decompress(content, raw_size, codec=_ARROW[packed[0]], asbytes=True)
        except OSError as error:
            raise ValueError("a blob that cannot be decompressed") from error
        return _of_size(data, raw_size)

    def _find(self, at: int, size: int) -> tuple[bytes, Blob]:
        """Read a blob's header, which lies before it."""
        length = int.from_bytes(os.pread(self._file.fileno(), 4, at), "big")
        header = os.pread(self._file.fileno(), min(length, LARGEST_HEADER), at + 4)
        if length > LARGEST_HEADER or len(header) != length:
            raise ValueError("a blob whose header is cut off")
        found = _fields(header, _BLOB_HEADER)
        blob = Blob(at + 4 + length, int(found[3, 1]))
        if not 0 < blob.size <= LARGEST_BLOB or blob.start + blob.size > size:
            raise ValueError("a blob that is cut off, or larger than is allowed")
        return header[found[1, 1] : found[1, 2]], blob

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _inflate(content: memoryview, size: int) -> bytes:
    """Decompress at most one byte more than the stated size."""
    from isal import isal_zlib

    stream = isal_zlib.decompressobj()
    damage = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance
    try:
        data: bytes = stream.decompress(content, size + 1)
    except damage as error:
        raise ValueError("a blob that cannot be decompressed") from error
    if not stream.eof:
        raise ValueError("a blob that swells beyond the stated size, or is cut off")
    return data


def _of_size(data: bytes, size: int) -> bytes:
    if len(data) != size or size > LARGEST_BLOB:
        raise ValueError("a block of another size than is stated")
    return data


def _fields(message: bytes, wires: Bytes) -> Bytes:
    found = np.empty((len(wires), 3), dtype=np.int64)
    buffer = np.frombuffer(message + bytes(PADDING), dtype=np.uint8)
    fields(buffer, 0, len(message), wires, found)
    return found


def _check_header(data: bytes) -> None:
    """Refuse a file whose header demands what is not known here."""
    buffer = np.frombuffer(data + bytes(PADDING), dtype=np.uint8)
    at = 0
    while at < len(data):
        key, start, end, at = field(buffer, at, len(data))
        name = data[start:end].decode(errors="replace") if key in (34, 42) else ""
        if key == 34 and name not in FEATURES:
            raise NotTakenError(f"its header requires {name}")
        if name == PLACES_ON_WAYS:
            raise NotTakenError("its ways carry places")
