"""How a CLIP is applied to images: fast, for scores, or exactly as published, for benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from skyscript.clip.model import Precision, Vectors, unit
from skyscript.clip.vectors.pixels import Resize, resize_as_open_clip, resize_fast
from skyscript.images.decode import BENCHMARK, TILE, Limits


class Inference(NamedTuple):
    """From an image file to the vector that is kept."""

    precision: Precision
    resize: Resize
    limits: Limits
    finish: Callable[[Vectors], Vectors]
    """Applied to a tower's vectors before they are kept."""
    threads: int | None = None
    """Threads that decode; none: 4 on a CPU, and beside a GPU processes instead."""


SCORING = Inference("amp", resize_fast, TILE, unit)


def benchmark_inference(precision: Precision, threads: int | None) -> Inference:
    """Give the published way. Vectors are kept as the tower gives them, for several protocols."""
    return Inference(precision, resize_as_open_clip, BENCHMARK, _unchanged, threads)


def _unchanged(vectors: Vectors) -> Vectors:
    return vectors
