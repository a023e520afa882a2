"""The protocol that every source of images fits, and the values that pass through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from pipeline.stage import StageConfig
from stages.geometry import Box, Tile

Pixels = npt.NDArray[np.uint8]


class ImageryError(Exception):
    """A tile could not be had from a scene; the message is the reason that is recorded."""


@dataclass(frozen=True)
class Scene:
    """An image that tiles can be cut from: a row of the table ``scenes``."""

    scene_id: str
    source: str
    backend: str
    name: str
    geometry: bytes
    box: Box
    gsd: float
    acquired: datetime
    time_precision: str
    weight: float


@dataclass(frozen=True)
class TileImage:
    """What a backend gives for a tile."""

    rgb: Pixels
    """height x width x 3."""
    valid: npt.NDArray[np.bool_]
    """height x width; false where the source holds no data."""


class SourceConfig(StageConfig):
    """Fields that every source has, whatever its backend."""

    weight: float = Field(
        1.0, gt=0, description="How often this source is drawn where several suit, relatively."
    )


class Backend(Protocol):
    """A kind of source. Made from its config block; holds no state beyond caches."""

    def scenes(self, alias: str) -> Sequence[Scene]:
        """List what tiles can be cut from; raises `InputError` where the source cannot be used."""
        ...

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:
        """Give the tile's pixels, or raise `ImageryError`.

        ``objects`` are the OSM objects (rows of the table ``objects``) that touch the tile; only a
        simulated source looks at them.
        """
        ...
