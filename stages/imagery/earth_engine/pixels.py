"""One request a tile: what is asked for, and what the answer's bytes say."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from image_sources import ImageSource
from stages.geometry import Tile, mercator_box
from stages.imagery.backend import TileImage
from stages.imagery.earth_engine.calls import Damaged


def tile_request(tile: Tile, source: ImageSource) -> dict[str, Any]:
    """Give what getPixels and computePixels share: the EPSG:3857 grid, bands, stretch, format.

    ``AUTO_JPEG_PNG`` is a JPEG where every pixel holds data and a PNG with alpha elsewhere.
    """
    box = mercator_box(tile.box)
    request: dict[str, Any] = {
        "fileFormat": "AUTO_JPEG_PNG",
        "bandIds": list(source.bands),
        "grid": {
            "crsCode": "EPSG:3857",
            "affineTransform": {
                "scaleX": (box.east - box.west) / tile.width,
                "shearX": 0,
                "translateX": box.west,
                "shearY": 0,
                "scaleY": (box.south - box.north) / tile.height,
                "translateY": box.north,
            },
            "dimensions": {"width": tile.width, "height": tile.height},
        },
    }
    if source.stretch is not None:
        low, high = source.stretch
        options: dict[str, Any] = {"ranges": [{"min": low, "max": high}]}
        if source.gamma is not None:
            options["gamma"] = source.gamma
        request["visualizationOptions"] = options
    return request


def decode(data: bytes, tile: Tile) -> TileImage:
    """Read a tile's JPEG or PNG; raises `Damaged` where it is none, cut off or of another size.

    Of a JPEG the bytes are kept: no pixel of it is missing, and to encode it again would only lose.
    """
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise Damaged("no whole JPEG or PNG") from error
    if image.size != (tile.width, tile.height):
        raise Damaged(f"{image.width} x {image.height} instead of {tile.width} x {tile.height}")
    if image.format == "JPEG":
        rgb = np.asarray(image.convert("RGB"))
        kept = data if image.mode == "RGB" else None
        return TileImage(rgb, np.ones(rgb.shape[:2], np.bool_), kept)
    rgba = np.array(image.convert("RGBA"))
    valid = rgba[..., 3] > 0
    rgba[~valid] = 0
    return TileImage(np.ascontiguousarray(rgba[..., :3]), valid)
