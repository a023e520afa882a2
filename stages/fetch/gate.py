"""The gate after decoding: whether a tile of any backend shows the ground, by its pixels alone."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from skyscript.imagery.fitness import Fitness, fitness_of
from skyscript.imagery.protocol import Problem, TileImage
from stages.fetch.config import FetchConfig
from stages.fetch.next_scene import LacksData, Unfit


def judge(image: TileImage, gsd: float, config: FetchConfig) -> Fitness:
    """Measure a tile of ``gsd`` metres.

    Raises `LacksData` or `Unfit` if the config does not accept it.
    """
    if 1 - float(image.valid.mean()) > config.max_nodata:
        raise LacksData(config.max_nodata)
    fitness = fitness_of(image.rgb, image.valid, gsd)
    if (fault := fault_of(fitness, config)) is not None:
        raise fault
    return fitness


def fault_of(fitness: Fitness, config: FetchConfig) -> Unfit | None:
    """Say which figure of a tile is beyond the config's limits; None if it is fit."""
    blank, cloud, broken, haze, sharpness = fitness
    if blank > config.max_blank:
        return Unfit(f"black, white or one colour fills {blank:.2g} of the tile", Problem.BLANK)
    if cloud > config.max_cloud_share:
        return Unfit(f"{cloud:.2g} of the tile looks like cloud", Problem.CLOUDY)
    if broken > config.max_broken_cloud:
        return Unfit(f"small clouds lie over {broken:.2g} of the tile", Problem.CLOUDY)
    if haze > config.max_haze:
        return Unfit(f"a grey veil is {haze:.2g} of the tile's light", Problem.HAZY)
    if sharpness < config.min_sharpness:
        reason = f"the tile is blurred: its fine detail is {sharpness:.2g} of its coarse detail"
        return Unfit(reason, Problem.BLURRED)
    return None


def accepted(row: Mapping[str, Any], jpeg: bytes, config: FetchConfig) -> dict[str, Any] | None:
    """Give a recorded row of an image with its figures; None if the config does not accept it.

    A row of an older version lacks figures: they are measured on its file, so that no service is
    asked for the tile again.
    """
    lacks = any(name not in row for name in Fitness._fields)
    measured = _of_file(jpeg, row["gsd"])._asdict() if lacks else {}
    fitness = Fitness(**{name: row.get(name, measured.get(name)) for name in Fitness._fields})
    return None if fault_of(fitness, config) else {**row, **fitness._asdict()}


def _of_file(jpeg: bytes, gsd: float) -> Fitness:
    from PIL import Image

    rgb = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))
    return fitness_of(rgb, np.ones(rgb.shape[:2], np.bool_), gsd)
