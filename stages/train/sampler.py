"""The rows of each batch. They depend only on seed and epoch, so training can start at any step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from skyscript import chance

Order = NDArray[np.int64]
Key = tuple[int, int]
"""Epoch and row. They decide a sample, including its augmentation."""


class Split(NamedTuple):
    """The split of a step's pairs into batches and devices."""

    batch: int
    """Number of pairs on a device at once."""
    accum: int
    world: int
    rank: int

    @property
    def step(self) -> int:
        """Number of pairs in a step, on all devices."""
        return self.batch * self.accum * self.world


class Batches:
    """The batches of one process, from step ``start`` to the end of training."""

    def __init__(
        self,
        texts: NDArray[np.int32],
        split: Split,
        epochs: int,
        seed: int,
        kind: Literal["distinct-texts", "shuffled"],
    ) -> None:
        self.steps = len(texts) // split.step
        if not self.steps:
            raise ConfigError(
                f"batch_size: a step takes {split.step:,} pairs, and there are only {len(texts):,}."
            )
        self.step = split.step
        self.start = 0
        self._texts, self._split, self._epochs, self._seed = texts, split, epochs, seed
        self._kind = kind

    def __len__(self) -> int:
        return (self._epochs * self.steps - self.start) * self._split.accum

    def __iter__(self) -> Iterator[list[Key]]:
        for epoch in range(self.start // self.steps, self._epochs):
            order = self.order(epoch)
            for step in range(max(0, self.start - epoch * self.steps), self.steps):
                for rows in self._rows_of_rank(order[step]):
                    yield [(epoch, int(row)) for row in rows]

    def order(self, epoch: int) -> Order:
        """Return the rows of an epoch: steps x pairs.

        The rows that do not fill a step are dropped. Each epoch drops other rows.
        """
        draw = chance.generator(self._seed, str(epoch), "order of pairs")
        shuffled = draw.permutation(len(self._texts))[: self.steps * self._split.step]
        if self._kind == "shuffled":
            return shuffled.reshape(self.steps, -1)
        return _deal(shuffled, self._texts[shuffled], self.steps, draw)

    def _rows_of_rank(self, rows: Order) -> Order:
        split = self._split
        return rows.reshape(split.accum, split.world, split.batch)[:, split.rank]


def _deal(rows: Order, texts: NDArray[np.int32], steps: int, draw: np.random.Generator) -> Order:
    """Deal rows, sorted by text, to the steps in turn, so that equal texts get different steps."""
    turn = draw.permutation(int(texts.max()) + 1)[texts]  # a new order of texts in each epoch
    dealt = rows[np.argsort(turn, kind="stable")].reshape(-1, steps).T
    return draw.permuted(dealt[draw.permutation(steps)], axis=1)
