"""Images to a model's pixels, ahead of the model: by threads, or for a GPU by processes.

Threads suffice where the model is the slow part, for reading, decoding and scaling let others run.
A GPU is quicker than that, and what feeds it may not wait for Python's lock: there, processes.
"""

from __future__ import annotations

import collections
import functools
import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.worker_process import end_with_parent
from skyscript.clip.model import Clip
from skyscript.clip.vectors.pixels import Unusable, likeness, model_pixels

Read = Callable[[str], bytes]
"""Gives an image's bytes by its path; raises `OSError` where there are none. It can be pickled."""
THREADS = 4
_TOGETHER = 16
"""Images of one task."""
_AHEAD = 3
"""Batches of the model that are decoded ahead of it."""


class Ready(NamedTuple):
    """An image as the model takes it."""

    pixels: NDArray[np.uint8]
    likeness: int


def decode(paths: Sequence[str], read: Read, preprocess: dict[str, Any]) -> list[Ready | Unusable]:
    """Give images, or why not."""
    found: list[Ready | Unusable] = []
    for path in paths:
        pixels = model_pixels(read(path), preprocess)
        good = not isinstance(pixels, Unusable)
        found.append(Ready(pixels, likeness(pixels)) if good else pixels)  # type: ignore[arg-type]
    return found


def decode_ahead(paths: Sequence[str], read: Read, clip: Clip) -> Iterator[Ready | Unusable]:
    """Give each path's image in order, some batches ahead of who asks."""
    if clip.on_gpu:
        yield from _ahead(_processes(), paths, read, clip)
        return
    with ThreadPoolExecutor(THREADS) as threads:
        yield from _ahead(threads, paths, read, clip)


def _ahead(
    pool: Executor, paths: Sequence[str], read: Read, clip: Clip
) -> Iterator[Ready | Unusable]:
    """Keep so many tasks on their way and no more: memory stays bounded."""
    some = (paths[start : start + _TOGETHER] for start in range(0, len(paths), _TOGETHER))
    tasks = (pool.submit(decode, batch, read, clip.preprocess) for batch in some)
    depth = max(2, _AHEAD * clip.image_batch // _TOGETHER)
    under_way: collections.deque[Future[list[Ready | Unusable]]] = collections.deque(
        itertools.islice(tasks, depth)
    )
    while under_way:
        done = under_way.popleft().result()
        under_way.extend(itertools.islice(tasks, 1))
        yield from done


@functools.cache
def _processes() -> ProcessPoolExecutor:
    """Give this process's decoders, which stay: its share of the CPUs, as GPUs share them."""
    import torch

    count = max(1, (os.cpu_count() or 2) // max(1, torch.cuda.device_count()) - 1)
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, spawn, initializer=_prepare_decoder)


def _prepare_decoder() -> None:
    end_with_parent()
    import torch

    torch.set_num_threads(1)
