"""WebDataset shards as pairs that can be read in any order.

The members' places are found once and images are read from there, so shards are shuffled as freely
as files, and a run can go on at any step; a stream, read from its beginning, allows neither. So
shards must be plain tar files on a disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.atomic import file_id
from pipeline.errors import InputError
from stages.train.config import TrainConfig
from stages.train.pairs import Pairs, check_present, numbered

IMAGES = ("jpg", "jpeg", "png", "webp")
MAX_TEXT = 1 << 20
"""A caption's file larger than this is not read."""


class Sample(NamedTuple):
    """Where a pair lies in its shard."""

    key: str
    offset: int
    size: int
    caption: str


class ImagesInShards:
    """Images as members of tar files."""

    def __init__(self, shards: list[Path], shard: NDArray[np.int32], samples: list[Sample]) -> None:
        self._shards, self._shard = shards, shard
        self._keys = pa.array([sample.key for sample in samples], pa.large_string())
        self._offsets = np.array([sample.offset for sample in samples], np.int64)
        self._sizes = np.array([sample.size for sample in samples], np.int64)
        self._open: dict[int, int] = {}

    def read(self, row: int) -> bytes:
        """Give a row's bytes."""
        shard = int(self._shard[row])
        if shard not in self._open:  # pread moves no position: workers may share what was forked
            self._open[shard] = os.open(self._shards[shard], os.O_RDONLY)
        return os.pread(self._open[shard], int(self._sizes[row]), int(self._offsets[row]))

    def name(self, row: int) -> str:
        """Name a row's shard and key."""
        return f"{self._shards[int(self._shard[row])]}: {self._keys[row].as_py()}"


def shard_pairs(path: Path, config: TrainConfig) -> Pairs:
    """Find the pairs of shards. Raises `InputError` that names the shard and what is wrong."""
    shards = shard_files(path)
    numbers: list[int] = []
    samples: list[Sample] = []
    for number, shard in enumerate(shards):
        found = list(_samples(shard, config.csv_caption_key))
        if not found:
            raise InputError(f"{shard}: holds no pair of an image ({', '.join(IMAGES)}) and .txt.")
        captions = pa.array([sample.caption for sample in found], pa.large_string())
        check_present(captions, f"{shard}: captions")
        samples += found
        numbers += [number] * len(found)
    identity = hashlib.blake2b("".join(map(file_id, shards)).encode(), digest_size=16).hexdigest()
    images = ImagesInShards(shards, np.array(numbers, np.int32), samples)
    captions = pa.array([sample.caption for sample in samples], pa.large_string())
    return numbered(images, captions, identity)


def shard_files(path: Path) -> list[Path]:
    """Name the shards of a folder, a file, or a name with braces."""
    from braceexpand import braceexpand

    if path.is_dir():
        found = sorted(path.glob("*.tar"))
        if not found:
            raise InputError(f"{path}: holds no shard (*.tar).")
        return found
    try:
        named = [Path(name) for name in braceexpand(str(path))]
    except ValueError:
        raise InputError(f"{path}: its braces are not balanced.") from None
    for shard in named:
        if not shard.is_file():
            raise InputError(f"{shard}: there is no such shard; shards are tar files on a disk.")
    return named


def _samples(shard: Path, key: str) -> Iterator[Sample]:
    """Give a shard's pairs: neighbours of one name, as webdataset groups them."""
    try:
        with tarfile.open(shard, "r:") as file:
            current, members = "", dict[str, tarfile.TarInfo]()
            for member in file:
                if not member.isfile():
                    continue
                folder, _, name = member.name.rpartition("/")
                stem, _, kind = name.partition(".")
                stem = f"{folder}/{stem}" if folder else stem
                if stem != current:
                    yield from _pair(file, shard, current, members, key)
                    current, members = stem, {}
                members[kind.lower()] = member
            yield from _pair(file, shard, current, members, key)
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{shard}: cannot be read as a plain tar file: {error}") from None


def _pair(
    file: tarfile.TarFile, shard: Path, stem: str, members: Mapping[str, tarfile.TarInfo], key: str
) -> Iterator[Sample]:
    image = next((members[kind] for kind in IMAGES if kind in members), None)
    caption = members.get("txt" if key == "title" else "json")
    if image is None or caption is None:
        return
    stream = file.extractfile(caption)
    assert stream is not None and caption.isfile()  # only files were gathered
    if caption.size > MAX_TEXT:
        raise InputError(f"{shard}: {caption.name} is too large for a caption.")
    try:
        text = stream.read().decode("utf-8")
        text = text if key == "title" else str(json.loads(text)[key])
    except (UnicodeDecodeError, ValueError, KeyError, TypeError):
        raise InputError(f"{shard}: {caption.name} holds no caption {key!r}.") from None
    yield Sample(stem, image.offset_data, image.size, text.strip())
