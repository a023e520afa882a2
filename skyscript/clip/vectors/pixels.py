"""Resize decoded images to the size of a model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from skyscript.images.decode import Pixels

Resize = Callable[[Pixels, Mapping[str, Any]], Pixels]
"""Gives the pixels, height x width x 3, that a model's preprocessing settings ask for."""


def resize_fast(image: Pixels, preprocess: Mapping[str, Any]) -> Pixels:
    """Resize by torchvision if possible; values differ by at most 1 of 255 from open_clip's.

    OpenCV is not used, because it changes scores a hundred times as much.
    """
    import torch
    from torchvision.transforms.v2 import InterpolationMode, functional

    if preprocess["resize_mode"] != "shortest":
        return resize_as_open_clip(image, preprocess)
    size = preprocess["size"]
    side = size if isinstance(size, int) else size[0]
    planes = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
    kind = (
        InterpolationMode.BILINEAR
        if preprocess["interpolation"] == "bilinear"
        else InterpolationMode.BICUBIC
    )
    if min(planes.shape[1:]) != side:
        planes = functional.resize(planes, [side], interpolation=kind, antialias=True)
    pixels: Pixels = functional.center_crop(planes, [side, side]).permute(1, 2, 0).numpy()
    return pixels


def resize_as_open_clip(image: Pixels, preprocess: Mapping[str, Any]) -> Pixels:
    """Resize by open_clip's own transform: the same bits as published evaluations."""
    size = preprocess["size"]
    names = ("interpolation", "resize_mode", "fill_color")
    side = size if isinstance(size, int) else tuple(size)
    small = Image.fromarray(image)
    for step in _steps(side, *(preprocess[name] for name in names)):
        small = step(small)
    return np.array(small.convert("RGB"))


@functools.lru_cache(maxsize=4)
def _steps(
    size: int | tuple[int, int], interpolation: str, resize_mode: str, fill_color: int
) -> list[Callable[[Image.Image], Image.Image]]:
    """Give the transform's steps before the conversion to floats."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    settings = PreprocessCfg(
        size, interpolation=interpolation, resize_mode=resize_mode, fill_color=fill_color
    )
    return list(image_transform_v2(settings, is_train=False).transforms[:-3])


def likeness(pixels: Pixels) -> int:
    """Give a 64-bit perceptual hash (dHash): nearly equal images have nearly equal bits."""
    grey = Image.fromarray(pixels).convert("L").resize((9, 8), Image.Resampling.BOX)
    values = np.asarray(grey, np.int16)
    bits = np.packbits(values[:, 1:] > values[:, :-1])
    return int.from_bytes(bits.tobytes(), "big")
