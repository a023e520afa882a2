"""From files to batches of pixels: decoded ahead by threads, bit for bit what the transform gives.

JPEGs are decoded in less time to Pillow's own bits; resizing stays the transform's. Its last two
steps, to floats and normalised, are the same numbers for a whole batch at once, on the model's
device.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from pipeline.errors import InputError
from skyscript.images.decode import BENCHMARK, Unusable, decode

if TYPE_CHECKING:
    import torch


class Pixels:
    """The transform of a model, taken apart: what a thread does, and what is left to the device."""

    def __init__(self, preprocess: Callable[[Any], Any]) -> None:
        from torchvision import transforms

        self._whole = preprocess
        steps = list(getattr(preprocess, "transforms", []))
        split = next((i for i, s in enumerate(steps) if isinstance(s, transforms.ToTensor)), None)
        rest = [] if split is None else steps[split + 1 :]
        self._steps: list[Any] | None = None
        self._scale: Any | None = None
        if split is not None and len(rest) == 1 and isinstance(rest[0], transforms.Normalize):
            self._steps, self._scale = steps[:split], rest[0]

    def of(self, file: Path) -> torch.Tensor:
        """Give an image's pixels, as bytes where the rest is left to `finish`."""
        import torch

        try:
            image = _decoded(file)
            if self._steps is None:
                whole: torch.Tensor = self._whole(image)
                return whole
            for step in self._steps:
                image = step(image)
            return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
        except InputError:
            raise
        except Exception as error:  # whatever Pillow's decoders raise: a figure needs every image
            raise InputError(
                f"{file}: cannot be read as an image ({type(error).__name__}: {error})."
            ) from error

    def finish(self, batch: torch.Tensor) -> torch.Tensor:
        """Give a batch as the model wants it."""
        import torch

        if self._scale is None:
            return batch
        mean, std = (
            torch.tensor(values, dtype=torch.float32, device=batch.device).view(3, 1, 1)
            for values in (self._scale.mean, self._scale.std)
        )
        return batch.float().div(255).sub_(mean).div_(std)


def _decoded(file: Path) -> Image.Image:
    found = decode(file.read_bytes(), BENCHMARK)
    if isinstance(found, Unusable):
        raise InputError(f"{file}: cannot be used: {found.reason}.")
    return Image.fromarray(found)


def batches(
    files: Sequence[Path], pixels: Pixels, size: int, workers: int | None
) -> Iterator[tuple[torch.Tensor, int]]:
    """Give batches of one shape (the last one filled up) and how many images are meant.

    About three batches are in memory, however many files there are.
    """
    import torch

    threads = workers or min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[torch.Tensor]] = deque()
        held: list[torch.Tensor] = []
        try:
            for file in files:
                ahead.append(pool.submit(pixels.of, file))
                if len(ahead) > 2 * size + threads:
                    held.append(ahead.popleft().result())
                if len(held) == size:
                    yield torch.stack(held), size
                    held = []
            while ahead or held:
                while ahead and len(held) < size:
                    held.append(ahead.popleft().result())
                filled = held + [torch.zeros_like(held[0])] * (size - len(held))
                yield torch.stack(filled), len(held)
                held = []
        finally:
            for waiting in ahead:
                waiting.cancel()
