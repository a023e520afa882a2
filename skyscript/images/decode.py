"""Decode an image file from outside: RGB pixels, or the reason why not. The only decoder.

The rule, the same for every command:

=====================================  ==========================================================
JPEG, PNG, WebP, GIF, TIFF, BMP        decoded; any other format is "not an image"
RGB, grey, palette, 1 bit, CMYK        converted to RGB as Pillow does
transparency, EXIF orientation         ignored
several frames or pages                the first one is used
more than 8 bits a channel             filtered (Pillow would turn a 16-bit grey PNG white)
more pixels than the limit             filtered, before any pixel is decoded
empty, cut off or broken               failed
=====================================  ==========================================================

No DCT scaling: it would move a CLIP's scores more than any resizing does.
"""

from __future__ import annotations

import io
import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pipeline.schema import STATUS_FAILED, STATUS_FILTERED
from skyscript.images.jpeg import fast_jpeg

Pixels = NDArray[np.uint8]
"""Height x width x 3, RGB."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
"""Pillow's names. The other readers are never tried, because one of them runs Ghostscript."""


class Limits(NamedTuple):
    """The largest image that is decoded; larger ones may be decompression bombs."""

    bytes: int
    pixels: int


TILE = Limits(1 << 26, 50_000_000)
"""For images of the size of tiles."""
BENCHMARK = Limits(1 << 30, 1_000_000_000)
"""For benchmark images: fMoW has large ones. The published code has the same pixel limit."""


class Unusable(NamedTuple):
    """Why an image has no pixels."""

    status: str
    """``failed``: the file may be repaired. ``filtered``: images of this kind are not used."""
    reason: str


TOO_MANY_BYTES = Unusable(STATUS_FILTERED, "a larger file than any tile")
_TOO_MANY_PIXELS = Unusable(STATUS_FILTERED, "more pixels than any tile")
_pillow_limit = threading.Lock()


def decode(data: bytes, limits: Limits = TILE) -> Pixels | Unusable:
    """Give an image's pixels, or the reason why not. RGB and grey JPEGs take the fast path."""
    if not data:
        return Unusable(STATUS_FAILED, "the image file is empty")
    if len(data) > limits.bytes:
        return TOO_MANY_BYTES
    fast = fast_jpeg(data, limits.pixels)
    return decode_by_pillow(data, limits) if fast is None else fast


def decode_by_pillow(data: bytes, limits: Limits = TILE) -> Pixels | Unusable:
    """Give an image's pixels, or the reason why not, without the fast path."""
    try:
        with _open(data) as image:
            if image.width * image.height > limits.pixels:
                return _TOO_MANY_PIXELS
            if _has_deep_channels(image):
                return Unusable(STATUS_FILTERED, "more than 8 bits a channel")
            return np.array(image.convert("RGB"))  # a copy, because torch needs writable memory
    except UnidentifiedImageError:
        return Unusable(STATUS_FAILED, "is not an image")
    except Exception as error:  # Pillow's decoders raise many classes of error
        return Unusable(STATUS_FAILED, f"cannot be decoded ({type(error).__name__})")


def _open(data: bytes) -> Image.Image:
    """Read an image's header, without Pillow's own limit of pixels, which is global."""
    with _pillow_limit:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(io.BytesIO(data), formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _has_deep_channels(image: Image.Image) -> bool:
    """Tell whether a channel has more than 8 bits. Pillow's mode hides this for 16-bit RGB."""
    return image.mode.startswith(("I", "F")) or any(
        ";16" in str(tile[3]) for tile in getattr(image, "tile", ())
    )
