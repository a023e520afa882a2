"""Zero-shot classification by the published protocol.

The weight of a class is the mean of its templates' unit vectors, normalised again, in fp32. The
logits of an image are 100 x cosine. If logits are equal, the first class in the list ranks first.
The published topk breaks ties arbitrarily, so the result also gives the range that ties allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyscript.benchmarks.features import image_features, text_features
from skyscript.benchmarks.files import LabelledImages, read_labelled, unusable_notes
from skyscript.benchmarks.layout import Benchmark
from skyscript.clip.model import Clip, Precision, evaluating
from skyscript.clip.vectors.embed import Progress
from skyscript.clip.vectors.store import VectorStore
from skyscript.images.decode import Unusable

if TYPE_CHECKING:
    import torch

UnusableImages = list[tuple[int, Unusable]]
"""The unusable images: position and reason."""


@dataclass(frozen=True)
class ZeroShot:
    """The zero-shot result of a model on a labelled set; arrays have the order of the file."""

    benchmark: Benchmark
    images: LabelledImages
    """The images that can be decoded."""
    unusable: list[str]
    """A sentence that names the other images, if any; the notes contain it too."""
    predicted: NDArray[np.int64]
    """The class with the highest logit."""
    logit: NDArray[np.float32]
    """The highest logit."""
    true_rank: NDArray[np.int64]
    """The rank of the true class among all classes, from 1."""
    tied: NDArray[np.bool_]
    """Whether the true class and another class share the highest logit."""

    @property
    def count(self) -> int:
        """The number of images with a label."""
        return len(self.true_rank)

    @property
    def top1(self) -> float:
        """The share of images whose true class ranks first."""
        return accuracy(self.true_rank, 1)

    @property
    def top5(self) -> float:
        """The share of images whose true class ranks among the first five."""
        return accuracy(self.true_rank, 5)

    @property
    def top1_range(self) -> tuple[float, float]:
        """The lowest and the highest top-1 that other rules for ties could give."""
        right = self.true_rank == 1
        return float((right & ~self.tied).mean()), float((right | self.tied).mean())


def accuracy(true_rank: NDArray[np.int64], k: int) -> float:
    """Give the share of images whose true class ranks among the first ``k``."""
    return int(np.count_nonzero(true_rank <= k)) / len(true_rank)


def zero_shot(
    clip: Clip,
    benchmark: Benchmark,
    root: Path,
    *,
    precision: Precision = "fp32",
    threads: int | None = None,
    rank: int = 0,
    world_size: int = 1,
    store: VectorStore | None = None,
    progress: Progress = lambda _: None,
) -> ZeroShot:
    """Classify the images of a set by the texts of its classes.

    With several processes, each takes every ``world_size``-th image, and all get the whole result.
    Raises `InputError` if the set, or all of its images, cannot be read.
    """
    images = read_labelled(benchmark, root)
    mine = np.arange(rank, len(images.files), world_size)
    rows, found, wrong = [], [], UnusableImages()
    with evaluating(clip.model):
        weights = class_weights(clip, images.classes, benchmark.templates)
        files = [images.files[at] for at in mine]
        for batch in image_features(
            files, clip, precision, threads=threads, store=store, progress=progress
        ):
            good = np.array([reason is None for reason in batch.wrong])
            here = mine[batch.start : batch.start + len(good)]
            wrong += [(at, why) for at, why in zip(here.tolist(), batch.wrong, strict=True) if why]
            if good.any():
                rows.append(here[good])
                scores = logits(batch.vectors[good.nonzero()], weights, precision)
                found.append(judge(scores, images.labels[here[good]]))
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    usable = np.concatenate(rows) if rows else mine[:0]
    usable, columns, wrong = _gather(usable, columns, wrong, world_size)
    notes = unusable_notes(wrong, images.files)
    return ZeroShot(benchmark, images.select(usable, notes), notes, *columns)


def class_weights(clip: Clip, classes: Sequence[str], templates: Sequence[str]) -> torch.Tensor:
    """Give a column of weights for each class, always in fp32."""
    from torch.nn import functional

    texts = [template.replace("{c}", name) for name in classes for template in templates]
    vectors = text_features(texts, clip, "fp32")
    mean = vectors.reshape(len(classes), len(templates), -1).mean(1)
    return functional.normalize(mean, dim=-1).T


def logits(images: torch.Tensor, weights: torch.Tensor, precision: Precision) -> torch.Tensor:
    """Give 100 x cosine, one row for each image; under ``amp`` in fp16, multiplied as by CUDA."""
    if precision == "fp32":
        return 100.0 * images @ weights
    left, right = (100.0 * images).half(), weights.half()
    if left.is_cuda:
        return left @ right
    return (left.float() @ right.float()).half()


def judge(found: torch.Tensor, labels: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
    """Give for each image: the best class, its logit, the true class's rank, whether it ties."""
    import torch

    scores = found.float().cpu()
    wanted = torch.from_numpy(labels)[:, None]
    own = scores.gather(1, wanted)
    before = torch.arange(scores.shape[1])[None] < wanted
    equal = scores == own
    true_rank = (scores > own).sum(1) + (equal & before).sum(1) + 1
    best = scores.max(1, keepdim=True).values
    first = (scores == best).int().argmax(1)
    tied = (own == best)[:, 0] & (equal.sum(1) > 1)
    return first.numpy(), best[:, 0].numpy(), true_rank.numpy(), tied.numpy()


def _gather(
    rows: NDArray[np.int64], columns: list[NDArray[Any]], wrong: UnusableImages, world_size: int
) -> tuple[NDArray[np.int64], list[NDArray[Any]], UnusableImages]:
    """Collect the shares of all processes, in order, on every process."""
    shares: list[Any] = [(rows, columns, wrong)]
    if world_size > 1:
        from torch import distributed

        shares = [None] * world_size
        distributed.all_gather_object(shares, (rows, columns, wrong))
    every = np.concatenate([share[0] for share in shares])
    order = every.argsort()
    parts = zip(*(share[1] for share in shares if len(share[0])), strict=True)
    whole = [np.concatenate(part)[order] for part in parts]
    return every[order], whole, sorted(one for share in shares for one in share[2])
