"""Features of images and texts in the precision that a protocol asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from skyscript.clip.model import Clip, Precision
from skyscript.clip.vectors.embed import Progress, image_vectors, text_vectors
from skyscript.clip.vectors.inference import benchmark_inference
from skyscript.clip.vectors.store import MemoryStore, VectorStore, content_key
from skyscript.images.decode import Unusable

if TYPE_CHECKING:
    import torch

_TOGETHER = 512
"""Images whose features are in memory together."""


class Features(NamedTuple):
    """The features of some images, a row each."""

    start: int
    """Position of the first image."""
    vectors: torch.Tensor
    """Unit vectors in fp32, on the device of the model; meaningless where ``wrong``."""
    wrong: list[Unusable | None]


def text_features(
    texts: Sequence[str],
    clip: Clip,
    precision: Precision,
    store: VectorStore | None = None,
    progress: Progress = lambda _: None,
) -> torch.Tensor:
    """Give the unit vectors of texts, in fp32 on the device of the model."""
    import torch

    how = benchmark_inference(precision, None)
    vectors = text_vectors(texts, clip, store or MemoryStore(), how, progress)
    return _unit(torch.from_numpy(vectors).to(clip.device), precision)


def image_features(
    files: Sequence[Path],
    clip: Clip,
    precision: Precision,
    *,
    threads: int | None = None,
    store: VectorStore | None = None,
    progress: Progress = lambda _: None,
) -> Iterator[Features]:
    """Give the features of images, some hundred at a time; those in ``store`` are not computed."""
    import torch

    how = benchmark_inference(precision, threads)
    step = clip.image_batch * max(1, _TOGETHER // clip.image_batch)
    for start in range(0, len(files), step):
        paths = [str(file) for file in files[start : start + step]]
        kept = store or MemoryStore()
        found = image_vectors(paths, _read, clip, kept, how, _key, progress)
        vectors = torch.from_numpy(found.vectors).to(clip.device)
        yield Features(start, _unit(vectors, precision), found.wrong)


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


def _key(path: str) -> bytes:
    """Know a file by its place, size and time of change: benchmarks are large to read twice."""
    found = Path(path).stat()
    return content_key(repr((path, found.st_size, found.st_mtime_ns)).encode())


def _unit(vectors: torch.Tensor, precision: Precision) -> torch.Tensor:
    """Give unit vectors of what left a tower: rounded to fp16 under ``amp``, on a CPU too.

    CUDA's autocast does nothing on a CPU. Rounded, ties fall as published and the rest is near.
    """
    from torch.nn import functional

    return functional.normalize((vectors.half() if precision == "amp" else vectors).float(), dim=-1)
