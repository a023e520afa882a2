"""Which rows make which batch: from seed and epoch alone, so that any step can be begun at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from skyscript import chance

Order = NDArray[np.int64]
Key = tuple[int, int]
"""Epoch and row: what decides a sample, its augmentation included."""


class Split(NamedTuple):
    """How a step's pairs are shared out."""

    batch: int
    """Pairs on a device at once."""
    accum: int
    world: int
    rank: int

    @property
    def step(self) -> int:
        """Pairs of a step, on all devices."""
        return self.batch * self.accum * self.world


class Batches:
    """The batches of one process, from a step on to the end of training."""

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
        self.begin = 0
        self._texts, self._split, self._epochs, self._seed = texts, split, epochs, seed
        self._kind = kind

    def __len__(self) -> int:
        return (self._epochs * self.steps - self.begin) * self._split.accum

    def __iter__(self) -> Iterator[list[Key]]:
        for epoch in range(self.begin // self.steps, self._epochs):
            order = self.order(epoch)
            for step in range(
                self.begin % self.steps if epoch * self.steps < self.begin else 0, self.steps
            ):
                for rows in self._own(order[step]):
                    yield [(epoch, int(row)) for row in rows]

    def order(self, epoch: int) -> Order:
        """Give an epoch: steps x pairs. What fills no step is left out, another each time."""
        draw = chance.generator(self._seed, str(epoch), "order of pairs")
        shuffled = draw.permutation(len(self._texts))[: self.steps * self._split.step]
        if self._kind == "shuffled":
            return shuffled.reshape(self.steps, -1)
        return _deal(shuffled, self._texts[shuffled], self.steps, draw)

    def _own(self, rows: Order) -> Order:
        split = self._split
        return rows.reshape(split.accum, split.world, split.batch)[:, split.rank]


def _deal(rows: Order, texts: NDArray[np.int32], steps: int, draw: np.random.Generator) -> Order:
    """Deal rows out like cards, equal texts in turn: none gets two before all have one."""
    turn = draw.permutation(int(texts.max()) + 1)[texts]  # texts in a new order each epoch
    dealt = rows[np.argsort(turn, kind="stable")].reshape(-1, steps).T
    return draw.permuted(dealt[draw.permutation(steps)], axis=1)
