"""From a file's bytes to a model's pixels, or to the reason why not.

JPEGs take the fast way (`stages.jpeg`), and torchvision's bicubic is within one step of 255 of
Pillow's. Never OpenCV's, which moves scores a hundred times as much. All else goes through Pillow.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pipeline.schema import STATUS_FAILED, STATUS_FILTERED
from skyscript.images.jpeg import fast_jpeg

MAX_BYTES = 1 << 26
"""A file larger than this is not decoded."""
MAX_PIXELS = 50_000_000
"""An image larger than this is not decoded: it could be a bomb, and no tile has so many."""
Pixels = NDArray[np.uint8]

_DEEP = ("I", "F")
"""Pillow's modes of more than 8 bits a channel begin so (``I;16``, ``I``, ``F``)."""


class Unusable(NamedTuple):
    """Why an image has no vector."""

    status: str
    """``failed`` where the file may be mended, ``filtered`` where the image is not of our kind."""
    reason: str


def model_pixels(data: bytes, preprocess: Mapping[str, Any]) -> Pixels | Unusable:
    """Give height x width x 3 pixels of the size that the model's transform asks for."""
    if not data:
        return Unusable(STATUS_FAILED, "the image file is empty")
    image = decoded(data)
    if isinstance(image, Unusable):
        return image
    if preprocess["resize_mode"] != "shortest":
        return _resized_otherwise(image, preprocess)
    return _shortest_side(image, preprocess)


def decoded(data: bytes) -> Pixels | Unusable:
    """Give an image's own pixels in RGB."""
    fast = fast_jpeg(data, MAX_PIXELS)
    if fast is not None:
        return fast
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own limit: ours is lower
            return _by_pillow(data)
    except UnidentifiedImageError:
        return Unusable(STATUS_FAILED, "is not an image")
    except Image.DecompressionBombError:
        return Unusable(STATUS_FILTERED, "more pixels than any tile")
    except Exception as error:  # whatever Pillow's many decoders raise: a row, not a crash
        return Unusable(STATUS_FAILED, f"cannot be decoded ({type(error).__name__})")


def _by_pillow(data: bytes) -> Pixels | Unusable:
    with Image.open(io.BytesIO(data)) as image:
        if image.width * image.height > MAX_PIXELS:
            return Unusable(STATUS_FILTERED, "more pixels than any tile")
        if getattr(image, "n_frames", 1) > 1:
            return Unusable(STATUS_FILTERED, "has several frames")
        if image.mode.startswith(_DEEP):
            return Unusable(STATUS_FILTERED, "more than 8 bits a channel")
        if image.mode == "CMYK":
            return Unusable(STATUS_FILTERED, "is in CMYK, not in RGB")
        return np.array(image.convert("RGB"))  # a copy: torch wants it writable


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
