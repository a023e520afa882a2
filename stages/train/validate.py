"""How good a model is so far: loss and retrieval on held-out pairs, zero-shot accuracy.

Each process does its share, and all get the whole.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import distributed

from pipeline.errors import InputError
from skyscript.benchmarks import Benchmark, choose_benchmarks, find_present, zero_shot
from skyscript.clip.model import Clip, evaluating
from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.loading import PairDataset, load_pairs, loader
from stages.train.loss import multi_positive
from stages.train.model import Beginning
from stages.train.step import Learner
from stages.train.transforms import plain_transform

log = logging.getLogger(__name__)

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
    learner: Learner, dataset: PairDataset, config: TrainConfig, place: Place
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
    with evaluating(learner.state.model) as bare, learner.autocast():
        for batch in loader(dataset, mine, config, place.device):
            made = bare(
                learner.normalise(batch.images.to(place.device)), batch.tokens.to(place.device)
            )
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
    preprocess: Mapping[str, Any]

    def __call__(self, model: Any, config: TrainConfig, place: Place) -> Mapping[str, float]:  # noqa: ANN401
        """Give top-1 and top-5 of each, and the mean of top-1."""
        values: dict[str, float] = {}
        clip = Clip(model, self.tokenizer, self.preprocess, place.device, config.batch_size)
        for benchmark in self.benchmarks:
            found = zero_shot(
                clip,
                benchmark,
                self.root,
                threads=config.workers or 1,
                rank=place.rank,
                world_size=place.world,
            )
            for note in found.unusable:
                log.warning("%s: %s", benchmark.name, note)
            values[f"{benchmark.name}_top1"] = found.top1
            values[f"{benchmark.name}_top5"] = found.top5
        ones = [value for name, value in values.items() if name.endswith("_top1")]
        return {**values, "mean_top1": sum(ones) / len(ones)} if ones else values


class Checks(NamedTuple):
    """What a model is evaluated on while it learns."""

    held_out: PairDataset | None
    zero_shot: ZeroShotCheck | None

    def of(
        self, learner: Learner, config: TrainConfig, place: Place, epoch: int
    ) -> dict[str, float]:
        """Give what is due after so many epochs."""
        values: dict[str, float] = {}
        if self.held_out and due(epoch, config.val_frequency, config.epochs):
            values |= validate(learner, self.held_out, config, place)
        if self.zero_shot and due(epoch, config.zeroshot_frequency, config.epochs):
            values |= self.zero_shot(learner.state.model, config, place)
        return values


def find_checks(config: TrainConfig, beginning: Beginning) -> Checks:
    """Find what the options name to be evaluated on. Raises `InputError` where it is not there."""
    held_out = zero_shot = None
    if config.val_data is not None:
        transform = plain_transform(beginning.preprocess)
        pairs = load_pairs(config.val_data, config)
        held_out = PairDataset(pairs, transform, beginning.tokenizer, config.seed, None)
    if config.benchmark_root is not None:
        zero_shot = ZeroShotCheck(
            chosen_benchmarks(config.benchmark_root, config.benchmarks),
            config.benchmark_root,
            beginning.tokenizer,
            beginning.preprocess,
        )
    return Checks(held_out, zero_shot)


def chosen_benchmarks(root: Path, names: tuple[str, ...] | None) -> tuple[Any, ...]:
    """Give the benchmarks of labelled images that are there; name those that are not."""
    found = tuple(one for one in find_present(root, names) if one.kind != "retrieval")
    if names is not None:
        there = {one.name for one in found}
        missing = [
            one.name
            for one in choose_benchmarks(root, names)
            if one.name not in there and one.kind != "retrieval"
        ]
        if missing:
            log.warning("%s: not there, so skipped: %s", root, ", ".join(missing))
    if not found:
        raise InputError(f"{root}: holds none of the benchmarks asked for.")
    return found


def due(epoch: int, frequency: int, epochs: int, *, always: bool = False) -> bool:
    """Say whether something is due after so many epochs: every ``frequency``, and after the last.

    A frequency of 0 means never, or the last alone (``always``).
    """
    if epoch == epochs:
        return always or frequency > 0
    return frequency > 0 and epoch % frequency == 0
