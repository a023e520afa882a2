"""Validation during training: loss and retrieval on held-out pairs, and zero-shot accuracy.

The processes share the work, and each of them gets the whole result.
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
from stages.train.loading import PairDataset, load_batches, load_validation_pairs
from stages.train.loss import multi_positive_loss
from stages.train.model import InitialModel
from stages.train.step import Learner
from stages.train.towers import distinct_texts
from stages.train.transforms import plain_transform

log = logging.getLogger(__name__)

_QUERIES_AT_ONCE = 1024
RANKS = (1, 5, 10)


class Features(NamedTuple):
    """The features of some pairs."""

    images: torch.Tensor
    words: torch.Tensor
    texts: torch.Tensor
    """Numbers of the captions."""


def validate(
    model: Any,  # noqa: ANN401 - of open_clip's
    learner: Learner,
    dataset: PairDataset,
    config: TrainConfig,
    place: Place,
) -> dict[str, float]:
    """Return the loss of held-out pairs, in batches as in training, and the recalls over all.

    An equal text is a right answer, for any training loss.
    """
    batches = [
        [(0, row) for row in range(start, min(start + config.batch_size, len(dataset)))]
        for start in range(0, len(dataset), config.batch_size)
    ]
    mine = batches[place.rank :: place.world]
    total, found = torch.zeros(2, dtype=torch.float64), list[Features]()
    with evaluating(model) as bare, learner.autocast():
        for batch in load_batches(dataset, mine, config, place.device):
            made = bare(
                learner.normalise(batch.images.to(place.device)), batch.tokens.to(place.device)
            )
            images, words = made["image_features"].float(), made["text_features"].float()
            texts = batch.labels.texts.to(place.device)
            logits = made["logit_scale"].float() * images @ words.T
            loss = multi_positive_loss(logits, logits.T, texts[:, None] == texts[None, :])
            total += torch.tensor([float(loss) * len(texts), len(texts)], dtype=torch.float64)
            found.append(Features(images.cpu(), words.cpu(), texts.cpu()))
    shares: list[Any] = [(total, found)]
    if place.world > 1:
        shares = [None] * place.world
        distributed.all_gather_object(shares, (total, found))
    summed = sum(share[0] for share in shares)
    every = [features for share in shares for features in share[1]]
    whole = Features(*(torch.cat(parts) for parts in zip(*every, strict=True)))
    return {"clip_loss": float(summed[0] / summed[1]), **measure_recalls(whole)}


def measure_recalls(found: Features) -> dict[str, float]:
    """Return the recalls at k of both directions. Equal texts are one query."""
    numbers, first, _ = distinct_texts(found.texts)
    words = found.words[first]
    right = found.texts[:, None] == numbers[None, :]
    place = {
        "image_to_text": _count_better(found.images, words, right),
        "text_to_image": _count_better(words, found.images, right.T),
    }
    return {
        f"{name}_R@{k}": float((ranks < k).double().mean())
        for name, ranks in place.items()
        for k in RANKS
    }


def _count_better(
    queries: torch.Tensor, answers: torch.Tensor, right: torch.Tensor
) -> torch.Tensor:
    """Count, for each query, the wrong answers that score no lower than the best right one."""
    found = []
    parts = (values.split(_QUERIES_AT_ONCE) for values in (queries, right))
    for some, good in zip(*parts, strict=True):
        scores = some @ answers.T
        best = scores.masked_fill(~good, -torch.inf).max(1, keepdim=True).values
        found.append(((scores >= best) & ~good).sum(1))
    return torch.cat(found)


class ZeroShotCheck(NamedTuple):
    """Measures the zero-shot accuracy of the model on the chosen benchmarks."""

    benchmarks: tuple[Benchmark, ...]
    root: Any
    tokenizer: Any
    preprocess: Mapping[str, Any]

    def __call__(self, model: Any, config: TrainConfig, place: Place) -> Mapping[str, float]:  # noqa: ANN401
        """Return top-1 and top-5 of each benchmark, and the mean of top-1."""
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
    """The evaluations during training."""

    held_out: PairDataset | None
    zero_shot: ZeroShotCheck | None

    def run(
        self, learner: Learner, config: TrainConfig, place: Place, epoch: int
    ) -> dict[str, float]:
        """Run the evaluations that are due after an epoch. Returns their values by name."""
        held_out = self.held_out if is_due(epoch, config.val_frequency, config.epochs) else None
        is_measured = is_due(epoch, config.zeroshot_frequency, config.epochs)
        zero_shot = self.zero_shot if is_measured else None
        values: dict[str, float] = {}
        if held_out is None and zero_shot is None:
            return values
        with learner.whole_model() as model:
            if held_out is not None:
                values |= validate(model, learner, held_out, config, place)
            if zero_shot is not None:
                values |= zero_shot(model, config, place)
        return values


def find_checks(config: TrainConfig, initial: InitialModel) -> Checks:
    """Prepare the evaluations that the options ask for. Raises `InputError` if data is missing."""
    held_out = zero_shot = None
    if config.val_data is not None:
        transform = plain_transform(initial.preprocess)
        pairs = load_validation_pairs(config.val_data, config)
        held_out = PairDataset(pairs, transform, initial.tokenizer, config.seed)
    if config.benchmark_root is not None:
        zero_shot = ZeroShotCheck(
            find_labelled_benchmarks(config.benchmark_root, config.benchmarks),
            config.benchmark_root,
            initial.tokenizer,
            initial.preprocess,
        )
    return Checks(held_out, zero_shot)


def find_labelled_benchmarks(root: Path, names: tuple[str, ...] | None) -> tuple[Any, ...]:
    """Return the chosen benchmarks of labelled images that exist. Logs the missing ones."""
    found = tuple(one for one in find_present(root, names) if one.kind != "retrieval")
    if names is not None:
        wanted = [one.name for one in choose_benchmarks(root, names) if one.kind != "retrieval"]
        missing = [name for name in wanted if name not in {one.name for one in found}]
        if missing:
            log.warning("%s: has no %s: skipped", root, ", ".join(missing))
    if not found:
        raise InputError(f"{root}: holds none of the chosen benchmarks.")
    return found


def is_due(epoch: int, frequency: int, epochs: int, *, always: bool = False) -> bool:
    """Whether to act after an epoch: after every ``frequency`` epochs, and after the last.

    A frequency of 0 means never, or with ``always`` only after the last epoch.
    """
    if epoch == epochs:
        return always or frequency > 0
    return frequency > 0 and epoch % frequency == 0
