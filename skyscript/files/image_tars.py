"""Images of a run in tars: one tar for each part of the table ``images``, read by offset.

    image_tars/00012.tar     members images3/a12_CH_19.jpg ..., in the order of their names

The table records tar, offset and size of each image, so reading one is one seek, or one range of an
object in a bucket. The same images give the same bytes. Users may unpack the tars in the run's
folder: the members have the published names.
"""

from __future__ import annotations

import errno
import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.atomic import content_id_of_file, write_file
from pipeline.bucket import BucketPath
from pipeline.storage import Place
from skyscript.files.paths import below

FOLDER = "image_tars"
TARS = f"{FOLDER}/[0-9]*.tar"
"""A glob, relative to the run folder, that matches every tar."""
UNPACK = f"for tar in {FOLDER}/*.tar; do tar -xf $tar; done"
"""Unpacks the images to their published names; to be run in the run's folder."""
COLUMNS = ("filepath", "tar", "tar_offset", "byte_size")
"""The columns of the table ``images`` that say where an image is."""
_BLOCK = 512


class ImageInTar(NamedTuple):
    """An image in a tar, with those methods of a path that readers of images use."""

    tar: Place
    name: str
    """Its published name, for messages."""
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.tar}/{self.name}"

    def is_file(self) -> bool:
        """Tell whether the tar is there and long enough."""
        try:
            return self.offset >= 0 and self.tar.stat().st_size >= self.offset + self.size
        except (FileNotFoundError, NotADirectoryError):
            return False

    def read_bytes(self) -> bytes:
        """Read the image. Raises `OSError` if the tar is missing or cut off."""
        if self.offset < 0 or self.size < 0:
            raise OSError(errno.EINVAL, "the table images names no place in its tar", str(self))
        if isinstance(self.tar, BucketPath):
            data = bytes(self.tar.read_piece(self.offset, self.offset + self.size))
        else:
            with self.tar.open("rb") as file:
                data = os.pread(file.fileno(), self.size, self.offset)
        if len(data) < self.size:
            reason = "its tar is cut off; skyscript verify names what is damaged"
            raise OSError(errno.EIO, reason, str(self))
        return data


ImageFile = Path | BucketPath | ImageInTar
"""Where an image is stored: in a file of its own, in a bucket, or in a tar."""


def image_file(root: Place, row: Mapping[str, Any]) -> ImageFile:
    """Give the file, or the place in a tar, that holds the image of a row of ``images``.

    Raises `PermissionError` if the row names a file outside the folder.
    """
    if row.get("tar") is None:
        return below(root, row["filepath"])
    place = below(root, row["tar"])
    return ImageInTar(place, row["filepath"], row["tar_offset"], row["byte_size"])


def size_of(file: ImageFile) -> int:
    """Give the size of an image in bytes. Raises `OSError` if there is no such file."""
    return file.size if isinstance(file, ImageInTar) else file.stat().st_size


class Packed(NamedTuple):
    """A finished tar."""

    offsets: Mapping[str, int]
    """Name -> position of the image's first byte."""
    size: int
    content: str
    """Content id of the tar."""


def write_tar(path: Place, names: Sequence[str], read: Callable[[str], bytes]) -> Packed:
    """Write a tar of some files atomically, in the order of ``names``."""
    offsets: dict[str, int] = {}
    size, content = 0, ""

    def write(temporary: Path) -> None:
        nonlocal size, content
        with temporary.open("wb") as file, _archive(file) as archive:
            for name in names:
                data = read(name)
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(data), 0o644
                archive.addfile(info, io.BytesIO(data))
                offsets[name] = archive.offset - -(-len(data) // _BLOCK) * _BLOCK
        size, content = temporary.stat().st_size, content_id_of_file(temporary)

    write_file(path, write)
    return Packed(offsets, size, content)


def _archive(file: io.BufferedWriter) -> tarfile.TarFile:
    return tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT)


def members_of(path: Place) -> Iterator[ImageInTar]:
    """Yield the files of a tar that was made here; skips what is damaged, and never fails for it.

    A name may be of anything: compare the content with its id. Nothing if there is no tar.
    """
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            at = 0
            while at + _BLOCK <= end:
                file.seek(at)
                at += _BLOCK
                info = _header(file.read(_BLOCK))
                if info is not None and at + info.size <= end:
                    yield ImageInTar(path, info.name, at, info.size)
                    at += -(-info.size // _BLOCK) * _BLOCK
    except (FileNotFoundError, NotADirectoryError):
        return


def _header(block: bytes) -> tarfile.TarInfo | None:
    """Read the header of a plain file; None if the block is none, as after a flipped byte."""
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, ValueError):
        return None
    return info if info.type == tarfile.REGTYPE and info.size >= 0 else None
