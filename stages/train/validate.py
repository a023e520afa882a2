"""How good a model is so far: loss and retrieval on held-out pairs, zero-shot accuracy.

Each process does its share, and all get the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import distributed

from stages.benchmarks import Benchmark, zero_shot
from stages.benchmarks.features import evaluating
from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.loading import PairDataset, loader
from stages.train.loss import multi_positive
from stages.train.transforms import Normalise

ASKED = 1024
"""Queries that are ranked at once."""
RANKS = (1, 5, 10)


class Features(NamedTuple):
    """What a model makes of pairs."""

    images: torch.Tensor
    words: torch.Tensor
    texts: torch.Tensor
    """Numbers of the captions."""


def validate(
    model: Any,  # noqa: ANN401 - a module of open_clip's
    dataset: PairDataset,
    config: TrainConfig,
    place: Place,
    normalise: Normalise,
    autocast: Callable[[], AbstractContextManager[Any]],
) -> dict[str, float]:
    """Give the loss of held-out pairs, in batches as in training, and recalls over all of them.

    Whatever the training's loss: an equal text is a right answer.
    """
    batches = [
        [(0, row) for row in range(start, min(start + config.batch_size, len(dataset)))]
        for start in range(0, len(dataset), config.batch_size)
    ]
    mine = batches[place.rank :: place.world]
    total, found = torch.zeros(2, dtype=torch.float64), list[Features]()
    with evaluating(model) as bare, autocast():
        for batch in loader(dataset, mine, config, place.device):
            made = bare(normalise(batch.images.to(place.device)), batch.tokens.to(place.device))
            images, words = made["image_features"].float(), made["text_features"].float()
            texts = batch.texts.to(place.device)
            logits = made["logit_scale"].float() * images @ words.T
            loss = multi_positive(logits, logits.T, texts[:, None] == texts[None, :])
            total += torch.tensor([float(loss) * len(texts), len(texts)], dtype=torch.float64)
            found.append(Features(images.cpu(), words.cpu(), texts.cpu()))
    shares: list[Any] = [(total, found)]
    if place.world > 1:
        shares = [None] * place.world
        distributed.all_gather_object(shares, (total, found))
    summed = sum(share[0] for share in shares)
    every = [features for share in shares for features in share[1]]
    whole = Features(*(torch.cat(parts) for parts in zip(*every, strict=True)))
    return {"clip_loss": float(summed[0] / summed[1]), **recalls(whole)}


def recalls(found: Features) -> dict[str, float]:
    """Give how often an image finds its text, and a text one of its images, among the first k.

    Equal texts are one text, which asks once.
    """
    numbers, first = _firsts(found.texts)
    words = found.words[first]
    place = {
        "image_to_text": _places(found.images, words, found.texts[:, None] == numbers[None, :]),
        "text_to_image": _places(words, found.images, numbers[:, None] == found.texts[None, :]),
    }
    return {
        f"{name}_R@{k}": float((ranks < k).double().mean())
        for name, ranks in place.items()
        for k in RANKS
    }


def _firsts(texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the distinct texts, and the row where each stands first."""
    numbers, where = texts.unique(return_inverse=True)
    rows = torch.arange(len(texts))
    first = torch.full((len(numbers),), len(texts)).scatter_reduce_(0, where, rows, "amin")
    return numbers, first


def _places(asking: torch.Tensor, answers: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Give how many wrong answers stand before the best right one."""
    found = []
    for some, good in zip(asking.split(ASKED), right.split(ASKED), strict=True):
        scores = some @ answers.T
        best = scores.masked_fill(~good, -torch.inf).max(1, keepdim=True).values
        found.append(((scores >= best) & ~good).sum(1))
    return torch.cat(found)


class ZeroShotCheck(NamedTuple):
    """Zero-shot accuracy on chosen benchmarks."""

    benchmarks: tuple[Benchmark, ...]
    root: Any
    tokenizer: Any
    transform: Any

    def __call__(self, model: Any, config: TrainConfig, place: Place) -> Mapping[str, float]:  # noqa: ANN401
        """Give top-1 and top-5 of each, and the mean of top-1."""
        values: dict[str, float] = {}
        for benchmark in self.benchmarks:
            found = zero_shot(
                model,
                self.tokenizer,
                self.transform,
                benchmark,
                self.root,
                device=place.device,
                batch_size=config.batch_size,
                workers=config.workers or 1,
                rank=place.rank,
                world_size=place.world,
            )
            values[f"{benchmark.name}_top1"] = found.top1
            values[f"{benchmark.name}_top5"] = found.top5
        ones = [value for name, value in values.items() if name.endswith("_top1")]
        return {**values, "mean_top1": sum(ones) / len(ones)} if ones else values
