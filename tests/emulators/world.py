"""Images for the emulated services: real ones where they are there, else made up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from skyscript.geo.tile import mercator_scale, to_mercator
from tests.emulators.earth_images import EarthImage

RGB = ("R", "G", "B")


def noise(seed: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Give smooth colours: rows, columns, red green blue."""
    coarse = np.random.default_rng(seed).integers(40, 220, (height // 16 + 2, width // 16 + 2, 3))
    return np.kron(coarse, np.ones((16, 16, 1)))[:height, :width].astype(np.uint8)


def mercator_image(
    asset_id: str,
    place: tuple[float, float],
    samples: npt.NDArray[Any],
    gsd: float = 0.6,
    bands: tuple[str, ...] = RGB,
    year: int = 2020,
    **fields: Any,
) -> EarthImage:
    """Make an image around a place, on the EPSG:3857 grid at a ground resolution."""
    height, width = samples.shape[:2]
    x, y = to_mercator(*place)
    pixel = gsd * mercator_scale(place[1])
    transform = (pixel, 0.0, x - width / 2 * pixel, 0.0, -pixel, y + height / 2 * pixel)
    start = fields.pop("start", datetime(year, 6, 1, tzinfo=UTC))
    return EarthImage(asset_id, samples, bands, "EPSG:3857", transform, start, **fields)


def naip(
    place: tuple[float, float], count: int = 1, side: int = 1500, **fields: Any
) -> Mapping[str, list[EarthImage]]:
    """Give the collection of ``US`` with images of one place, a year apart."""
    name = "USDA/NAIP/DOQQ"
    images = [
        mercator_image(
            f"{name}/m_{number}_{2014 + 2 * number}0613",
            place,
            noise(number, side, side),
            year=2014 + 2 * number,
            **fields,
        )
        for number in range(count)
    ]
    return {name: images}
