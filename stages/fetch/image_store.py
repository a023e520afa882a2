"""Stores the images of a shard while the shard is made: as files, or in a tar.

An image that goes into a tar is first a file in a folder of its shard, so that a killed run keeps
it; the folder is removed when the tar is whole.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.atomic import content_id, write_bytes
from pipeline.errors import InputError
from pipeline.schema import STATUS_OK
from pipeline.stage import Shard
from pipeline.storage import Place, remove_all
from skyscript.files.image_tars import FOLDER, ImageInTar, members_of, write_tar
from stages import tables


class ImageStore:
    """Reads and writes the images of one shard; safe to share among threads."""

    def __init__(self, shard: Shard, *, in_tar: bool) -> None:
        self._root, self._in_tar = shard.root, in_tar
        self.tar = f"{FOLDER}/{shard.index:05d}.tar"
        self._unpacked = shard.root / FOLDER / f"_{shard.index:05d}"

    def read(self, name: str) -> bytes | None:
        """Give an image by its published name, wherever it is; None if it is nowhere."""
        for file in (self._place(name), self._packed.get(name), self._root / name):
            if file is not None and file.is_file():
                return file.read_bytes()
        return None

    def write(self, name: str, data: bytes) -> None:
        """Write an image."""
        write_bytes(self._place(name), data)

    def keep(self, name: str, data: bytes) -> None:
        """Write an image that was read, unless it already lies where it shall be."""
        if not self._place(name).is_file() and not (self._in_tar and name in self._packed):
            self.write(name, data)

    def named_in(self, images: pa.Table) -> pa.Table:
        """Name the tar in the rows that have an image, so that `pack` moves them into it."""
        has_image = pc.equal(images["status"], STATUS_OK)
        tars = pc.if_else(has_image, self.tar, pa.scalar(None, pa.string()))
        place = images.schema.get_field_index("tar")
        return images.set_column(place, images.schema.field(place), tars)

    def pack(self, hashes: Mapping[str, str]) -> dict[str, dict[str, object]]:
        """Write the tar of some images, given by name -> content id; give each one's place.

        Raises `InputError` if an image has another content.
        """

        def read(name: str) -> bytes:
            data = self.read(name)
            if data is None or content_id(data) != hashes[name]:
                raise InputError(
                    f"{self._root / self.tar}: {name} is damaged; skyscript verify marks it, and "
                    "the next run makes it again."
                )
            return data

        packed = write_tar(self._root / self.tar, sorted(hashes), read)
        remove_all(self._unpacked)
        tar = {"tar": self.tar, "tar_size": packed.size, "tar_hash": packed.content}
        return {name: tar | {"tar_offset": at} for name, at in packed.offsets.items()}

    def _place(self, name: str) -> Place:
        """Give where an image is written to."""
        return self._unpacked / name if self._in_tar else self._root / name

    @functools.cached_property
    def _packed(self) -> Mapping[str, ImageInTar]:
        """The images in the tar of an earlier build."""
        return {member.name: member for member in members_of(self._root / self.tar)}


def pack(images: pa.Table, shard: Shard) -> pa.Table:
    """Move the images of a part whose rows name a tar into it, and record where they are in it."""
    rows = images.to_pylist()
    inside = [row for row in rows if row["status"] == STATUS_OK and row["tar"] is not None]
    if not inside:
        return images
    store = ImageStore(shard, in_tar=True)
    places = store.pack({row["filepath"]: row["content_hash"] for row in inside})
    for row in inside:
        row.update(places[row["filepath"]])
    return pa.Table.from_pylist(rows, schema=tables.IMAGES.schema)
