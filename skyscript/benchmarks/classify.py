"""Zero-shot classification by the published protocol.

A class is the mean of its templates' unit vectors, made a unit vector again, in fp32; an image's
logits are 100 x cosine. Of equal logits the class named first stands first: the published topk
breaks ties as it likes, so it is also said how many there are and what they could change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyscript.benchmarks.features import (
    Keep,
    Precision,
    Progress,
    evaluating,
    image_features,
    text_features,
)
from skyscript.benchmarks.files import Labelled, read_labelled
from skyscript.benchmarks.layout import Benchmark

if TYPE_CHECKING:
    import torch

BATCH = 64


@dataclass(frozen=True)
class ZeroShot:
    """What a model made of a labelled set, an entry an image, in the order of the file."""

    benchmark: Benchmark
    images: Labelled
    predicted: NDArray[np.int64]
    """The class with the highest logit."""
    logit: NDArray[np.float32]
    """That logit."""
    place: NDArray[np.int64]
    """Where the true class stands among all: 1 is first."""
    tied: NDArray[np.bool_]
    """Whether the true class shares its logit with another class that could change top-1."""

    @property
    def count(self) -> int:
        """Images with a label."""
        return len(self.place)

    @property
    def top1(self) -> float:
        """Share of images whose true class stands first."""
        return accuracy(self.place, 1)

    @property
    def top5(self) -> float:
        """Share of images whose true class is among the first five, or all where there are less."""
        return accuracy(self.place, 5)

    @property
    def top1_range(self) -> tuple[float, float]:
        """Lowest and highest top-1 that another way to break ties could give."""
        right = self.place == 1
        return float((right & ~self.tied).mean()), float((right | self.tied).mean())


def accuracy(place: NDArray[np.int64], k: int) -> float:
    """Give the share of images whose true class is among the first ``k``."""
    return int(np.count_nonzero(place <= k)) / len(place)


def zero_shot(
    model: Any,  # noqa: ANN401 - a model of open_clip's, also inside DistributedDataParallel
    tokenizer: Any,  # noqa: ANN401
    preprocess: Callable[[Any], Any],
    benchmark: Benchmark,
    root: Path,
    *,
    device: str,
    precision: Precision = "fp32",
    batch_size: int = BATCH,
    workers: int | None = None,
    rank: int = 0,
    world_size: int = 1,
    keep: Keep | None = None,
    progress: Progress | None = None,
) -> ZeroShot:
    """Classify a set's images by what is said of its classes.

    With several ranks each takes every ``world_size``-th image, and all get the whole result.
    Raises `InputError` where the set, or an image of it, cannot be read.
    """
    images = read_labelled(benchmark, root)
    mine = np.arange(rank, len(images.files), world_size)
    with evaluating(model) as bare:
        weights = classifier(bare, tokenizer, images.classes, benchmark.templates, device)
        found = []
        for start, vectors in image_features(
            bare,
            preprocess,
            [images.files[at] for at in mine],
            device=device,
            precision=precision,
            batch_size=batch_size,
            workers=workers,
            keep=keep,
            progress=progress,
        ):
            labels = images.labels[mine[start : start + len(vectors)]]
            found.append(judged(logits(vectors, weights, precision), labels))
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)] if found else []
    whole = _gathered(mine, columns, len(images.files), world_size)
    return ZeroShot(benchmark, images, *whole)


def classifier(
    model: Any,  # noqa: ANN401
    tokenizer: Any,  # noqa: ANN401
    classes: Sequence[str],
    templates: Sequence[str],
    device: str,
) -> torch.Tensor:
    """Give a column for each class, in fp32 whatever the precision of the images."""
    from torch.nn import functional

    said = [template.replace("{c}", name) for name in classes for template in templates]
    vectors = text_features(model, tokenizer, said, device=device, precision="fp32")
    mean = vectors.reshape(len(classes), len(templates), -1).mean(1)
    return functional.normalize(mean, dim=-1).T


def logits(images: torch.Tensor, weights: torch.Tensor, precision: Precision) -> torch.Tensor:
    """Give 100 x cosine, an image a row; under ``amp`` fp16 numbers, multiplied as CUDA does."""
    if precision == "fp32":
        return 100.0 * images @ weights
    left, right = (100.0 * images).half(), weights.half()
    if left.is_cuda:
        return left @ right
    return (left.float() @ right.float()).half()


def judged(found: torch.Tensor, labels: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
    """Give of each image's logits: the best class, its logit, the true one's place, a tie."""
    import torch

    scores = found.float().cpu()
    wanted = torch.from_numpy(labels)[:, None]
    own = scores.gather(1, wanted)
    before = torch.arange(scores.shape[1])[None] < wanted
    equal = scores == own
    place = (scores > own).sum(1) + (equal & before).sum(1) + 1
    best = scores.max(1, keepdim=True).values
    first = (scores == best).int().argmax(1)
    tied = (own == best)[:, 0] & (equal.sum(1) > 1)
    return first.numpy(), best[:, 0].numpy(), place.numpy(), tied.numpy()


def _gathered(
    mine: NDArray[np.int64], columns: list[NDArray[Any]], total: int, world_size: int
) -> list[NDArray[Any]]:
    """Put all ranks' shares in order, on every rank."""
    shares: list[Any] = [(mine, columns)]
    if world_size > 1:
        from torch import distributed

        shares = [None] * world_size
        distributed.all_gather_object(shares, (mine, columns))
    shares = [(rows, parts) for rows, parts in shares if len(rows)]
    whole = [np.empty(total, part.dtype) for part in shares[0][1]]
    for rows, parts in shares:
        for column, part in zip(whole, parts, strict=True):
            column[rows] = part
    return whole
