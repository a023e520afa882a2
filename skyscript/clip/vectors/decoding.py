"""Decodes images ahead of the model, in threads or, for a GPU, in processes.

Threads are enough for a model on a CPU: reading, decoding and resizing release Python's lock. A GPU
is so fast that the lock would slow its input down, so it gets processes.
"""

from __future__ import annotations

import collections
import functools
import itertools
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.cpus import count_cpus
from pipeline.schema import STATUS_FAILED
from pipeline.worker_process import end_with_parent
from skyscript.clip.model import Clip
from skyscript.clip.vectors.inference import Inference
from skyscript.clip.vectors.pixels import likeness
from skyscript.images.decode import TOO_MANY_BYTES, Unusable, decode

Read = Callable[[str], bytes]
"""Gives the bytes of an image path; raises `OSError` if it cannot. It can be pickled."""
THREADS = 4
_TASK_IMAGES = 16
"""Images in one task."""
_AHEAD = 3
"""Batches of the model that are decoded ahead of it."""


class Ready(NamedTuple):
    """The pixels of an image for the model, and its perceptual hash."""

    pixels: NDArray[np.uint8]
    likeness: int


def prepare(
    paths: Sequence[str], read: Read, preprocess: Mapping[str, Any], how: Inference
) -> list[Ready | Unusable]:
    """Give the pixels of images for the model, or the reason why not."""
    found: list[Ready | Unusable] = []
    for path in paths:
        try:
            image = decode(read(path), how.limits)
        except (OSError, OverflowError, ValueError) as error:
            image = explain_read_error(error)
        if not isinstance(image, Unusable):
            pixels = how.resize(image, preprocess)
            found.append(Ready(pixels, likeness(pixels)))
        else:
            found.append(image)
    return found


def explain_read_error(error: Exception) -> Unusable:
    """Give the reason why a file could not be read."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return Unusable(STATUS_FAILED, "there is no such image")
        case PermissionError():
            return Unusable(STATUS_FAILED, "its path may not be read")
        case OverflowError():
            return TOO_MANY_BYTES
        case _:
            return Unusable(STATUS_FAILED, f"cannot be read ({type(error).__name__})")


def find_keys(
    paths: Sequence[str], find_key: Callable[[str], bytes], clip: Clip, how: Inference
) -> list[bytes | Unusable]:
    """Give the key of each path's image, or the reason why it cannot be read.

    Beside a GPU, the decoder processes read and hash: this process alone must feed the GPU.
    """
    tasks = [paths[start : start + _TASK_IMAGES] for start in range(0, len(paths), _TASK_IMAGES)]
    work = functools.partial(_keys_of, find_key=find_key)
    if clip.on_gpu and how.threads is None:
        return list(itertools.chain.from_iterable(_processes().map(work, tasks)))
    with ThreadPoolExecutor(how.threads or THREADS) as threads:
        return list(itertools.chain.from_iterable(threads.map(work, tasks)))


def _keys_of(paths: Sequence[str], find_key: Callable[[str], bytes]) -> list[bytes | Unusable]:
    return [_key_of(path, find_key) for path in paths]


def _key_of(path: str, find_key: Callable[[str], bytes]) -> bytes | Unusable:
    try:
        return find_key(path)
    except (OSError, OverflowError, ValueError) as error:
        return explain_read_error(error)


def prepare_ahead(
    paths: Sequence[str], read: Read, clip: Clip, how: Inference
) -> Iterator[Ready | Unusable]:
    """Give each path's image, in order, and decode some batches ahead."""
    if clip.on_gpu and how.threads is None:
        yield from _run_ahead(_processes(), paths, read, clip, how)
        return
    with ThreadPoolExecutor(how.threads or THREADS) as threads:
        yield from _run_ahead(threads, paths, read, clip, how)


def _run_ahead(
    pool: Executor, paths: Sequence[str], read: Read, clip: Clip, how: Inference
) -> Iterator[Ready | Unusable]:
    """Run a limited number of tasks in parallel, which limits the memory."""
    tasks = (
        pool.submit(prepare, paths[start : start + _TASK_IMAGES], read, clip.preprocess, how)
        for start in range(0, len(paths), _TASK_IMAGES)
    )
    depth = max(2, _AHEAD * clip.image_batch // _TASK_IMAGES)
    running: collections.deque[Future[list[Ready | Unusable]]] = collections.deque(
        itertools.islice(tasks, depth)
    )
    try:
        while running:
            done = running.popleft().result()
            running.extend(itertools.islice(tasks, 1))
            yield from done
    finally:
        for task in running:
            task.cancel()


@functools.cache
def _processes() -> ProcessPoolExecutor:
    """Give the decoder processes of this process, made once; the GPUs share the CPUs."""
    import torch

    count = max(1, count_cpus() // max(1, torch.cuda.device_count()) - 1)
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, spawn, initializer=_prepare_decoder)


def _prepare_decoder() -> None:
    end_with_parent()
    import torch

    torch.set_num_threads(1)
