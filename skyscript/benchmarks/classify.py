"""Zero-shot classification by the published protocol.

A class is the mean of its templates' unit vectors, made a unit vector again, in fp32; an image's
logits are 100 x cosine. Of equal logits the class named first stands first: the published topk
breaks ties as it likes, so it is also said how many there are and what they could change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyscript.benchmarks.features import image_features, text_features
from skyscript.benchmarks.files import Labelled, read_labelled, unusable_notes
from skyscript.benchmarks.layout import Benchmark
from skyscript.clip.model import Clip, Precision, evaluating
from skyscript.clip.vectors.embed import Progress
from skyscript.clip.vectors.store import VectorStore
from skyscript.images.decode import Unusable

if TYPE_CHECKING:
    import torch

Wrong = list[tuple[int, Unusable]]
"""Images that cannot be used, by position."""


@dataclass(frozen=True)
class ZeroShot:
    """What a model made of a labelled set, an entry an image, in the order of the file."""

    benchmark: Benchmark
    images: Labelled
    """Those that can be decoded."""
    unusable: list[str]
    """A sentence that names the others, if any; it is one of the notes too."""
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
    """Classify a set's images by what is said of its classes.

    With several ranks each takes every ``world_size``-th image, and all get the whole result.
    Raises `InputError` if the set cannot be read, or no image of it.
    """
    images = read_labelled(benchmark, root)
    mine = np.arange(rank, len(images.files), world_size)
    rows, found, wrong = [], [], Wrong()
    with evaluating(clip.model):
        weights = classifier(clip, images.classes, benchmark.templates)
        files = [images.files[at] for at in mine]
        for some in image_features(
            files, clip, precision, threads=threads, store=store, progress=progress
        ):
            good = np.array([reason is None for reason in some.wrong])
            here = mine[some.start : some.start + len(good)]
            wrong += [(at, why) for at, why in zip(here.tolist(), some.wrong, strict=True) if why]
            if good.any():
                rows.append(here[good])
                scores = logits(some.vectors[good.nonzero()], weights, precision)
                found.append(judged(scores, images.labels[here[good]]))
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    kept = np.concatenate(rows) if rows else mine[:0]
    kept, columns, wrong = _gathered(kept, columns, wrong, world_size)
    notes = unusable_notes(wrong, images.files)
    return ZeroShot(benchmark, images.chosen(kept, notes), notes, *columns)


def classifier(clip: Clip, classes: Sequence[str], templates: Sequence[str]) -> torch.Tensor:
    """Give a column for each class, in fp32 whatever the precision of the images."""
    from torch.nn import functional

    said = [template.replace("{c}", name) for name in classes for template in templates]
    vectors = text_features(said, clip, "fp32")
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
    rows: NDArray[np.int64], columns: list[NDArray[Any]], wrong: Wrong, world_size: int
) -> tuple[NDArray[np.int64], list[NDArray[Any]], Wrong]:
    """Put all ranks' shares in order, on every rank."""
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
