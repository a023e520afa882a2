"""WebDataset shards as pairs that can be read in any order.

The offsets of all members are read once. So the pairs are shuffled like separate files, and a run
can resume at any step. A stream that is read from its beginning allows neither, so shards must be
plain tar files on a disk.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.errors import InputError
from pipeline.identity import identify_together
from skyscript.files.shards import IMAGES, MAX_BYTES, find_tars, members, samples
from stages.train.config import TrainConfig
from stages.train.pairs import Pairs, check_captioned, number_captions

_PLACES = {"shard": pa.int32(), "name": pa.large_string(), "offset": pa.int64(), "size": pa.int64()}
"""The position of each image. With a caption: half a gigabyte for five million pairs."""


class ImagesInShards:
    """Images in tar files."""

    def __init__(self, shards: list[Path], where: pa.Table) -> None:
        self._shards, self._names = shards, where["name"].combine_chunks()
        self._shard, self._offsets, self._sizes = (
            where[column].to_numpy() for column in ("shard", "offset", "size")
        )
        self._open: dict[int, int] = {}

    def read(self, row: int) -> bytes:
        """Read a row's image file."""
        size, shard = int(self._sizes[row]), int(self._shard[row])
        if size > MAX_BYTES:
            raise ValueError("is larger than any tile")
        if shard not in self._open:  # pread has no file position, so forked workers can share it
            self._open[shard] = os.open(self._shards[shard], os.O_RDONLY)
        return os.pread(self._open[shard], size, int(self._offsets[row]))

    def name(self, row: int) -> str:
        """Return the names of a row's shard and member."""
        return f"{self._shards[int(self._shard[row])]}: {self._names[row].as_py()}"

    def names(self) -> pa.Array:
        """Return the names of all rows' members."""
        return self._names


def shard_pairs(path: Path, config: TrainConfig) -> Pairs:
    """Read the list of pairs in shards. Raises `InputError` that names the wrong shard."""
    columns = config.caption_columns()
    shards = find_tars(path)
    if not shards:
        raise InputError(f"{path}: holds no shard (*.tar).")
    found = pa.concat_tables(
        _read_shard(shard, number, columns) for number, shard in enumerate(shards)
    ).combine_chunks()
    names = found["name"]
    captioned = check_captioned(
        [found[_column(name)].combine_chunks() for name in columns],
        columns,
        path,
        lambda row: f"the first that of {names[row].as_py()!r}",
    )
    found = found.filter(captioned).combine_chunks()
    identity = identify_together(shards)
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
