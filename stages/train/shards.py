"""WebDataset shards as pairs that can be read in any order.

The offsets of all members are read once. So the pairs are shuffled like separate files, and a run
can resume at any step. A stream that is read from its beginning allows neither, so shards must be
plain tar files on a disk. They must stay as they are: at the offsets of another version, an image
would get the caption of another one. So each read checks that its shard has not changed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from pipeline.errors import InputError
from pipeline.identity import identify_together
from skyscript.files.shards import IMAGES, MAX_BYTES, find_tars, members, samples
from stages.train.config import TrainConfig
from stages.train.pairs import Pairs, check_captioned, number_captions

_PLACES = {"shard": pa.int32(), "name": pa.large_string(), "offset": pa.int64(), "size": pa.int64()}
"""The position of each image. With a caption: half a gigabyte for five million pairs."""


class Version(NamedTuple):
    """What tells a changed file from the one whose members were listed."""

    size: int
    modified: int
    inode: int

    @classmethod
    def of(cls, found: os.stat_result) -> Version:
        """Return the version from the status of a file."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)


class Shard(NamedTuple):
    """A tar file as it was when its members were listed."""

    path: Path
    version: Version

    def fail(self, what: str) -> InputError:
        """Return the error of a shard that can no longer be used."""
        return InputError(
            f"{self.path}: {what}. Its list of images was read when the training started; repair "
            "it, and run the same command again."
        )


class ImagesInShards:
    """Images in tar files."""

    def __init__(self, shards: list[Shard], where: pa.Table) -> None:
        self._shards, self._names = shards, where["name"].combine_chunks()
        self._shard, self._offsets, self._sizes = (
            where[column].to_numpy() for column in ("shard", "offset", "size")
        )
        self._open: dict[int, int] = {}

    def read(self, row: int) -> bytes:
        """Read a row's image file. Raises `InputError` if the shard is gone or has changed."""
        size, number = int(self._sizes[row]), int(self._shard[row])
        if size > MAX_BYTES:
            raise ValueError("is larger than any tile")
        shard, file = self._shards[number], self._file(number)
        data = os.pread(file, size, int(self._offsets[row]))
        if Version.of(os.fstat(file)) != shard.version:  # the read may have met the change
            raise shard.fail("was changed, cut off or replaced while the training reads it")
        if len(data) < size:
            raise shard.fail(f"gives {len(data):,} of the {size:,} bytes of {self._names[row]}")
        return data

    def _file(self, number: int) -> int:
        """Open a shard once in each process; pread has no position, so forked workers share it."""
        if number not in self._open:
            shard = self._shards[number]
            try:
                self._open[number] = os.open(shard.path, os.O_RDONLY)
            except OSError as error:
                raise shard.fail(f"can no longer be opened: {error.strerror}") from None
        return self._open[number]

    def name(self, row: int) -> str:
        """Return the names of a row's shard and member."""
        return f"{self._shards[int(self._shard[row])].path}: {self._names[row].as_py()}"

    def names(self) -> pa.Array:
        """Return the names of all rows' members."""
        return self._names


def shard_pairs(path: Path, config: TrainConfig) -> Pairs:
    """Read the list of pairs in shards. Raises `InputError` that names the wrong shard."""
    columns = config.caption_columns()
    tars = find_tars(path)
    if not tars:
        raise InputError(f"{path}: holds no shard (*.tar).")
    shards = [Shard(tar, Version.of(tar.stat())) for tar in tars]
    found = pa.concat_tables(
        _read_shard(tar, number, columns) for number, tar in enumerate(tars)
    ).combine_chunks()
    names = found["name"]
    captioned = check_captioned(
        [found[_column(name)].combine_chunks() for name in columns],
        columns,
        path,
        lambda row: f"the first that of {names[row].as_py()!r}",
    )
    found = found.filter(captioned).combine_chunks()
    identity = identify_together(tars)
    captions = [found[_column(name)].combine_chunks() for name in columns]
    return number_captions(ImagesInShards(shards, found), captions, identity, config)


def _column(caption: str) -> str:
    return f"caption {caption}"


def _read_shard(shard: Path, number: int, columns: Sequence[str]) -> pa.Table:
    """Read the list of images in a shard, with the captions that there are.

    Raises `InputError` if no image has a caption.
    """
    where = {member.name: member for member in members(shard)}
    rows = [
        (number, *where[sample.image], *sample.more)
        for sample in samples(shard, columns)
        if sample.image in where
    ]
    if all(caption is None for row in rows for caption in row[len(_PLACES) :]):
        kinds, names = ", ".join(IMAGES), " or ".join(columns)
        raise InputError(f"{shard}: holds no pair of an image ({kinds}) and {names}.")
    schema = pa.schema({**_PLACES, **{_column(name): pa.large_string() for name in columns}})
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema)
