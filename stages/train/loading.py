"""Loads batches of images and tokens in worker processes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch.utils.data import DataLoader, default_collate

from pipeline.bucket import BucketPath
from pipeline.errors import InputError
from pipeline.inputs import local_input
from pipeline.storage import Place
from skyscript.images.decode import Unusable, decode
from stages.train.config import TrainConfig
from stages.train.labels import Labels
from stages.train.mixing import NONE, Drawn
from stages.train.pairs import Pairs, csv_pairs
from stages.train.sampler import Key
from stages.train.shards import shard_pairs
from stages.train.transforms import Transform, seeded_draws
from stages.train.unreadable import Skipped, Unreadable

Tokenizer = Callable[[list[str]], torch.Tensor]
TRIES = 100
"""Number of rows to try before giving up, if images cannot be read."""
CACHED = 1 << 16
"""Number of captions whose tokens a worker caches; most captions repeat."""


class Batch(NamedTuple):
    """The input of a step, or one row of it."""

    images: torch.Tensor
    tokens: torch.Tensor
    labels: Labels
    negatives: torch.Tensor
    """Numbers of false statements on each image: pairs x statements, -1 where it has none."""
    negative_tokens: torch.Tensor
    """Their tokens: pairs x statements x tokens; those of the caption where there is none."""


class Loaded(NamedTuple):
    """What a worker process gives: a batch or a sample, and the pairs that others replaced."""

    batch: Batch | None
    """None if too many pairs in a row cannot be read, or if a shard is at fault."""
    skipped: tuple[Skipped, ...] = ()
    fault: str = ""
    """What is wrong with a shard: a sentence, because an error of a worker gets a traceback."""


class PairDataset:
    """Samples by epoch and row. The seed, the epoch and the row decide the augmentation."""

    def __init__(
        self,
        pairs: Pairs,
        transform: Transform,
        tokenizer: Tokenizer,
        seed: int,
        negatives: int = 0,
    ) -> None:
        """``negatives`` is the number of false statements on an image, if it has so many."""
        self._pairs, self._transform, self._seed = pairs, transform, seed
        self._tokenizer, self._negatives = tokenizer, negatives
        self._tokens_of: Callable[[int], torch.Tensor] | None = None

    def __len__(self) -> int:
        return len(self._pairs.texts)

    def __getitem__(self, key: Key) -> Loaded:
        """Load a sample, or the next one whose image can be read."""
        epoch, first = key
        skipped: list[Skipped] = []
        for row in range(first, first + TRIES):
            try:
                found = self._sample(epoch, row % len(self))
            except InputError as error:
                return Loaded(None, tuple(skipped), str(error))
            if isinstance(found, Batch):
                return Loaded(found, tuple(skipped))
            skipped.append(found)
        return Loaded(None, tuple(skipped))

    def _sample(self, epoch: int, row: int) -> Batch | Skipped:
        try:
            image = decode(self._pairs.images.read(row))
        except (OSError, ValueError) as error:
            reason = error.strerror or "" if isinstance(error, OSError) else str(error)
            return self._skip(row, reason)
        if isinstance(image, Unusable):
            return self._skip(row, image.reason)
        with seeded_draws(self._seed, f"{epoch}:{row}"):
            pixels = self._transform(Image.fromarray(image))
        texts = self._pairs.choice.draw(self._seed, f"{epoch}:{row}", row, self._negatives)
        return self._to_batch(pixels, row, texts)

    def _to_batch(self, pixels: torch.Tensor, row: int, texts: Drawn) -> Batch:
        says, shows = map(torch.from_numpy, self._pairs.flags(row, texts.caption))
        tokens = self._tokens(texts.caption)
        slots = [*texts.negatives, *[NONE] * (self._negatives - len(texts.negatives))]
        others = [tokens if text == NONE else self._tokens(text) for text in slots]
        return Batch(
            pixels,
            tokens,
            Labels(torch.tensor(texts.caption), says, shows),
            torch.tensor(slots, dtype=torch.int64),
            torch.stack(others) if others else tokens.new_empty((0, *tokens.shape)),
        )

    def _skip(self, row: int, reason: str) -> Skipped:
        return Skipped(row, f"{self._pairs.images.name(row)} (row {row + 1:,}): {reason}")

    def _tokens(self, text: int) -> torch.Tensor:
        if self._tokens_of is None:  # made in the worker, because a cache cannot be pickled
            self._tokens_of = functools.lru_cache(CACHED)(self._tokenise)
        return self._tokens_of(text)

    def _tokenise(self, text: int) -> torch.Tensor:
        return self._tokenizer([self._pairs.captions[text].as_py()])[0]


def collate(samples: list[Loaded]) -> Loaded:
    """Make a batch from samples."""
    skipped = tuple(itertools.chain.from_iterable(sample.skipped for sample in samples))
    batches = [sample.batch for sample in samples if sample.batch is not None]
    whole = len(batches) == len(samples)
    fault = next((sample.fault for sample in samples if sample.fault), "")
    return Loaded(default_collate(batches) if whole else None, skipped, fault)


def _start_method(config: TrainConfig) -> str | None:
    """Give how workers start: a fork would hang in the threads that ask a bucket."""
    in_bucket = isinstance(config.root_data_dir, BucketPath)
    return "spawn" if in_bucket and config.workers else None


def load_training_pairs(config: TrainConfig) -> Pairs:
    """Read the pairs to train on, with the statements and the truth that the options name."""
    pairs = load_pairs(config.train_data, config)
    if config.statements is not None:
        pairs = pairs.with_statements(config.statements, config)
    return pairs if config.truth is None else pairs.with_truth(config.truth)


def load_validation_pairs(path: Place, config: TrainConfig) -> Pairs:
    """Read held-out pairs: each has one caption, and no statements."""
    return load_pairs(path, config.model_copy(update={"caption_weights": None}))


def load_pairs(place: Place, config: TrainConfig) -> Pairs:
    """Read the list of pairs in a CSV or in shards.

    Raises `InputError` for shards in a bucket.
    """
    if isinstance(place, BucketPath) and place.name.endswith(".tar"):
        raise InputError(
            f"{place}: shards are read from this machine only: copy them here, or train on the CSV "
            "of a run in a bucket, with --root-data-dir"
        )
    path, kind = local_input(place), config.dataset_type
    if kind == "auto":
        kind = "webdataset" if path.is_dir() or path.name.endswith(".tar") else "csv"
    return csv_pairs(path, config) if kind == "csv" else shard_pairs(path, config)


def load_batches(
    dataset: PairDataset,
    batches: Iterable[list[Key]],
    config: TrainConfig,
    device: str,
    unreadable: Unreadable | None = None,
) -> Iterator[Batch]:
    """Yield the batches. Worker processes load them ahead of time.

    Raises `InputError` if a shard is damaged, and if more images cannot be read than
    ``unreadable`` allows, by default none.
    """
    loader: Any = DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=config.workers,
        collate_fn=collate,
        pin_memory=device.startswith("cuda"),
        multiprocessing_context=_start_method(config),
    )
    for found in loader:
        if found.fault:
            raise InputError(found.fault)
        if unreadable is not None:
            unreadable.add(found.skipped)
        elif found.skipped:
            raise InputError(f"{found.skipped[0].sentence}. Repair it, and run the same command.")
        if found.batch is None:
            raise InputError(
                f"{TRIES} images in a row cannot be read; the last: {found.skipped[-1].sentence}."
            )
        yield found.batch
