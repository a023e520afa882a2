"""The settings of CLIP inference: fast for scores, exactly as published for benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from skyscript.clip.model import Precision, Vectors, unit
from skyscript.clip.vectors.pixels import Resize, resize_as_open_clip, resize_fast
from skyscript.images.decode import BENCHMARK, TILE, Limits


class Inference(NamedTuple):
    """The steps from an image file to the stored vector."""

    precision: Precision
    resize: Resize
    limits: Limits
    finish: Callable[[Vectors], Vectors]
    """Applied to a tower's vectors before they are stored."""
    threads: int | None = None
    """Threads that decode; None: 4 for a model on a CPU, and processes for one on a GPU."""


SCORING = Inference("amp", resize_fast, TILE, unit)


def benchmark_inference(precision: Precision, threads: int | None) -> Inference:
    """Give the published settings. Vectors are not normalised, for use in several protocols."""
    return Inference(precision, resize_as_open_clip, BENCHMARK, _unchanged, threads)


def _unchanged(vectors: Vectors) -> Vectors:
    return vectors
