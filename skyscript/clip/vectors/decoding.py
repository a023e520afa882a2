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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.schema import STATUS_FAILED
from pipeline.worker_process import end_with_parent
from skyscript.clip.model import Clip
from skyscript.clip.vectors.inference import Inference
from skyscript.clip.vectors.pixels import likeness
from skyscript.images.decode import TOO_MANY_BYTES, Unusable, decode

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


def prepare(
    paths: Sequence[str], read: Read, preprocess: Mapping[str, Any], how: Inference
) -> list[Ready | Unusable]:
    """Give images as the model takes them, or why not."""
    found: list[Ready | Unusable] = []
    for path in paths:
        try:
            image = decode(read(path), how.limits)
        except (OSError, OverflowError, ValueError) as error:
            image = why_unread(error)
        if not isinstance(image, Unusable):
            pixels = how.resize(image, preprocess)
            found.append(Ready(pixels, likeness(pixels)))
        else:
            found.append(image)
    return found


def why_unread(error: Exception) -> Unusable:
    """Say why a file could not be read."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return Unusable(STATUS_FAILED, "there is no such image")
        case PermissionError():
            return Unusable(STATUS_FAILED, "its path may not be read")
        case OverflowError():
            return TOO_MANY_BYTES
        case _:
            return Unusable(STATUS_FAILED, f"cannot be read ({type(error).__name__})")


def prepare_ahead(
    paths: Sequence[str], read: Read, clip: Clip, how: Inference
) -> Iterator[Ready | Unusable]:
    """Give each path's image in order, some batches ahead of who asks."""
    if clip.on_gpu and how.threads is None:
        yield from _ahead(_processes(), paths, read, clip, how)
        return
    with ThreadPoolExecutor(how.threads or THREADS) as threads:
        yield from _ahead(threads, paths, read, clip, how)


def _ahead(
    pool: Executor, paths: Sequence[str], read: Read, clip: Clip, how: Inference
) -> Iterator[Ready | Unusable]:
    """Keep so many tasks on their way and no more: memory stays bounded."""
    some = (paths[start : start + _TOGETHER] for start in range(0, len(paths), _TOGETHER))
    tasks = (pool.submit(prepare, batch, read, clip.preprocess, how) for batch in some)
    depth = max(2, _AHEAD * clip.image_batch // _TOGETHER)
    under_way: collections.deque[Future[list[Ready | Unusable]]] = collections.deque(
        itertools.islice(tasks, depth)
    )
    try:
        while under_way:
            done = under_way.popleft().result()
            under_way.extend(itertools.islice(tasks, 1))
            yield from done
    finally:
        for task in under_way:
            task.cancel()


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
