"""One request for a tile: its body, and how to read the answer."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from image_sources import CloudBand, ImageSource
from skyscript.backends.earth_engine.calls import Damaged
from skyscript.imagery.grid import PixelGrid
from skyscript.imagery.protocol import TileImage

_CLOUD_STEP = 2
"""Pixels of the tile, along each axis, that one sample of clouds covers."""


def tile_request(grid: PixelGrid, source: ImageSource) -> dict[str, Any]:
    """Give the fields that getPixels and computePixels share: grid, bands, stretch, format.

    ``AUTO_JPEG_PNG`` is a JPEG where every pixel holds data and a PNG with alpha elsewhere.
    """
    request: dict[str, Any] = {
        "fileFormat": "AUTO_JPEG_PNG",
        "bandIds": list(source.bands),
        "grid": _as_json(grid),
    }
    if source.stretch is not None:
        low, high = source.stretch
        options: dict[str, Any] = {"ranges": [{"min": low, "max": high}]}
        if source.gamma is not None:
            options["gamma"] = source.gamma
        request["visualizationOptions"] = options
    return request


def cloud_request(grid: PixelGrid, clouds: CloudBand) -> dict[str, Any]:
    """Give the request for the cloud band at half the resolution: a quarter of the samples."""
    a, b, c, d, e, f = grid.transform
    width, height = (max(1, round(side / _CLOUD_STEP)) for side in (grid.width, grid.height))
    across, down = grid.width / width, grid.height / height
    coarse = PixelGrid(grid.crs, (a * across, b * down, c, d * across, e * down, f), width, height)
    return {"fileFormat": "NPY", "bandIds": [clouds.band], "grid": _as_json(coarse)}


def cloud_share(data: bytes, clouds: CloudBand) -> float:
    """Give the share of samples that are cloud; raises `Damaged` if the answer is not whole."""
    try:
        samples = np.load(io.BytesIO(data), allow_pickle=False)[clouds.band]
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise Damaged("no whole NPY") from error
    is_cloud = np.isin(samples, clouds.values)
    for bit in clouds.bits:
        is_cloud |= (samples >> bit & 1).astype(np.bool_)
    return float(is_cloud.mean())


def _as_json(grid: PixelGrid) -> dict[str, Any]:
    a, b, c, d, e, f = grid.transform
    return {
        # Some CRSs have no code: SkySat's.
        ("crsWkt" if "[" in grid.crs else "crsCode"): grid.crs,
        "affineTransform": {
            "scaleX": a,
            "shearX": b,
            "translateX": c,
            "shearY": d,
            "scaleY": e,
            "translateY": f,
        },
        "dimensions": {"width": grid.width, "height": grid.height},
    }


def decode(data: bytes, grid: PixelGrid) -> TileImage:
    """Read a tile's JPEG or PNG; raises `Damaged` if it is neither, truncated or of another size.

    A JPEG has no missing pixel, so its bytes are kept: encoding it again would only lose quality.
    """
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise Damaged("no whole JPEG or PNG") from error
    if image.size != (grid.width, grid.height):
        raise Damaged(f"{image.width} x {image.height} instead of {grid.width} x {grid.height}")
    if image.format == "JPEG":
        rgb = np.asarray(image.convert("RGB"))
        kept = data if image.mode == "RGB" else None
        return TileImage(rgb, np.ones(rgb.shape[:2], np.bool_), kept)
    rgba = np.array(image.convert("RGBA"))
    valid = rgba[..., 3] > 0
    rgba[~valid] = 0
    return TileImage(np.ascontiguousarray(rgba[..., :3]), valid)
