"""Resize decoded images to the size of a model.

torchvision's bicubic is within one step of 255 of Pillow's. Never OpenCV's, which moves scores a
hundred times as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from skyscript.images.decode import Pixels, Unusable, decode


def model_pixels(data: bytes, preprocess: Mapping[str, Any]) -> Pixels | Unusable:
    """Give height x width x 3 pixels of the size that the model's transform asks for."""
    image = decode(data)
    if isinstance(image, Unusable):
        return image
    if preprocess["resize_mode"] != "shortest":
        return _resized_otherwise(image, preprocess)
    return _shortest_side(image, preprocess)


def _shortest_side(image: Pixels, preprocess: Mapping[str, Any]) -> Pixels:
    """Scale the shorter side to the model's and cut the middle out, as torchvision does."""
    import torch
    from torchvision.transforms.v2 import InterpolationMode, functional

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


def _resized_otherwise(image: Pixels, preprocess: Mapping[str, Any]) -> Pixels:
    """Squash, or fit and pad: open_clip's own steps, up to the change to numbers."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    steps = image_transform_v2(PreprocessCfg(**preprocess), is_train=False).transforms
    small = Image.fromarray(image)
    for step in steps[:-3]:
        small = step(small)
    return np.asarray(small.convert("RGB"))


def likeness(pixels: Pixels) -> int:
    """Give 64 bits that images nearly alike share: which of two neighbours is brighter (dHash)."""
    grey = Image.fromarray(pixels).convert("L").resize((9, 8), Image.Resampling.BOX)
    values = np.asarray(grey, np.int16)
    bits = np.packbits(values[:, 1:] > values[:, :-1])
    return int.from_bytes(bits.tobytes(), "big")
