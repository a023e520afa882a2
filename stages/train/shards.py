"""WebDataset shards as pairs that can be read in any order.

The members' places are found once and images are read from there, so shards are shuffled as freely
as files, and a run can go on at any step; a stream, read from its beginning, allows neither. So
shards must be plain tar files on a disk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.atomic import file_id
from pipeline.errors import InputError
from stages.tars import IMAGES, MAX_BYTES, Member, find_tars, members, samples
from stages.train.config import TrainConfig
from stages.train.pairs import Pairs, check_present, numbered

CAPTIONS = ("title", "title_multi_objects")


class Found(NamedTuple):
    """A pair of a shard."""

    image: Member
    caption: str


class ImagesInShards:
    """Images as members of tar files."""

    def __init__(self, shards: list[Path], shard: NDArray[np.int32], found: list[Found]) -> None:
        self._shards, self._shard = shards, shard
        self._names = pa.array([pair.image.name for pair in found], pa.large_string())
        self._offsets = np.array([pair.image.offset for pair in found], np.int64)
        self._sizes = np.array([pair.image.size for pair in found], np.int64)
        self._open: dict[int, int] = {}

    def read(self, row: int) -> bytes:
        """Give a row's bytes."""
        size, shard = int(self._sizes[row]), int(self._shard[row])
        if size > MAX_BYTES:
            raise ValueError("is larger than any tile")
        if shard not in self._open:  # pread moves no position: workers may share what was forked
            self._open[shard] = os.open(self._shards[shard], os.O_RDONLY)
        return os.pread(self._open[shard], size, int(self._offsets[row]))

    def name(self, row: int) -> str:
        """Name a row's shard and member."""
        return f"{self._shards[int(self._shard[row])]}: {self._names[row].as_py()}"


def shard_pairs(path: Path, config: TrainConfig) -> Pairs:
    """Find the pairs of shards. Raises `InputError` that names the shard and what is wrong."""
    if config.csv_caption_key not in CAPTIONS:
        raise InputError(
            f"csv_caption_key {config.csv_caption_key!r}: shards have the captions "
            f"{' and '.join(CAPTIONS)}."
        )
    shards = find_tars(path)
    if not shards:
        raise InputError(f"{path}: holds no shard (*.tar).")
    numbers: list[int] = []
    found: list[Found] = []
    for number, shard in enumerate(shards):
        some = list(_found(shard, config.csv_caption_key))
        if not some:
            raise InputError(
                f"{shard}: holds no pair of an image ({', '.join(IMAGES)}) and a "
                f"{config.csv_caption_key}."
            )
        captions = pa.array([pair.caption for pair in some], pa.large_string())
        check_present(captions, f"{shard}: captions")
        found += some
        numbers += [number] * len(some)
    identity = hashlib.blake2b("".join(map(file_id, shards)).encode(), digest_size=16).hexdigest()
    images = ImagesInShards(shards, np.array(numbers, np.int32), found)
    captions = pa.array([pair.caption for pair in found], pa.large_string())
    return numbered(images, captions, identity)


def _found(shard: Path, key: str) -> Iterator[Found]:
    """Give a shard's pairs; a sample without an image, or without a caption, is none."""
    where = {member.name: member for member in members(shard)}
    for sample in samples(shard):
        caption = sample.title if key == "title" else sample.multi
        if sample.image in where and caption is not None:
            yield Found(where[sample.image], caption)
