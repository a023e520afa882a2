"""Loads batches of images and tokens in worker processes."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch.utils.data import DataLoader, default_collate

from pipeline.errors import InputError
from skyscript.images.decode import Unusable, decode
from stages.train.config import TrainConfig
from stages.train.pairs import Pairs, csv_pairs
from stages.train.sampler import Key
from stages.train.shards import shard_pairs
from stages.train.transforms import Transform, seeded_draws

Tokenizer = Callable[[list[str]], torch.Tensor]
TRIES = 100
"""Number of rows to try before giving up, if images cannot be read."""
CACHED = 1 << 16
"""Number of captions whose tokens a worker caches; most captions repeat."""


class Batch(NamedTuple):
    """The input of a step, or one row of it."""

    images: torch.Tensor
    tokens: torch.Tensor
    texts: torch.Tensor
    """Numbers of the captions. Equal captions have the same number."""


class Unreadable(NamedTuple):
    """The reason why an image could not be read, for the main process to report."""

    sentence: str


class PairDataset:
    """Samples by epoch and row. The seed, the epoch and the row decide the augmentation."""

    def __init__(
        self,
        pairs: Pairs,
        transform: Transform,
        tokenizer: Tokenizer,
        seed: int,
        record: Path | None,
    ) -> None:
        self._pairs, self._transform, self._seed = pairs, transform, seed
        self._tokenizer = tokenizer
        self._record = record
        """File for the unreadable images, which other rows replace. None: they stop training."""
        self._recorded: set[int] = set()
        self._tokens_of: Callable[[int], torch.Tensor] | None = None

    def __len__(self) -> int:
        return len(self._pairs.texts)

    def __getitem__(self, key: Key) -> Batch | Unreadable:
        """Load a sample."""
        epoch, row = key
        for tried in range(TRIES):
            found = self._sample(epoch, (row + tried) % len(self))
            if isinstance(found, Batch) or self._record is None:
                return found
            self._record_once((row + tried) % len(self), found)
        return Unreadable(f"{TRIES} images in a row cannot be read; the last: {found}")

    def _sample(self, epoch: int, row: int) -> Batch | Unreadable:
        try:
            image = decode(self._pairs.images.read(row))
        except (OSError, ValueError) as error:
            reason = error.strerror or "" if isinstance(error, OSError) else str(error)
            return self._unreadable(row, reason)
        if isinstance(image, Unusable):
            return self._unreadable(row, image.reason)
        with seeded_draws(self._seed, f"{epoch}:{row}"):
            pixels = self._transform(Image.fromarray(image))
        text = int(self._pairs.texts[row])
        return Batch(pixels, self._tokens(text), torch.tensor(text))

    def _unreadable(self, row: int, reason: str) -> Unreadable:
        return Unreadable(f"{self._pairs.images.name(row)} (row {row + 1:,}): {reason}")

    def _tokens(self, text: int) -> torch.Tensor:
        if self._tokens_of is None:  # made in the worker, because a cache cannot be pickled
            self._tokens_of = functools.lru_cache(CACHED)(self._tokenise)
        return self._tokens_of(text)

    def _tokenise(self, text: int) -> torch.Tensor:
        return self._tokenizer([self._pairs.captions[text].as_py()])[0]

    def _record_once(self, row: int, found: Unreadable) -> None:
        if row not in self._recorded and self._record is not None:
            self._recorded.add(row)
            line = json.dumps({"row": row + 1, "reason": found.sentence}) + "\n"
            with self._record.open("a", encoding="utf-8") as file:  # one write keeps a line whole
                file.write(line)


def collate(samples: list[Batch | Unreadable]) -> Batch | Unreadable:
    """Make a batch from samples. Returns the first unreadable sample instead, if there is one."""
    for sample in samples:
        if isinstance(sample, Unreadable):
            return sample
    found: Batch = default_collate(samples)
    return found


def load_pairs(path: Path, config: TrainConfig) -> Pairs:
    """Read the list of pairs in a CSV or in shards."""
    kind = config.dataset_type
    if kind == "auto":
        kind = "webdataset" if path.is_dir() or path.name.endswith(".tar") else "csv"
    return csv_pairs(path, config) if kind == "csv" else shard_pairs(path, config)


def load_batches(
    dataset: PairDataset, batches: Iterable[list[Key]], config: TrainConfig, device: str
) -> Iterator[Batch]:
    """Yield the batches. Worker processes load them ahead of time.

    Raises `InputError` if an image cannot be read.
    """
    loader: Any = DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=config.workers,
        collate_fn=collate,
        pin_memory=device.startswith("cuda"),
    )
    for found in loader:
        if isinstance(found, Unreadable):
            raise InputError(
                f"{found.sentence}. Repair it and run the same command again, or use --bad-images "
                "skip."
            )
        yield found
