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
    """A tile could not be had from a scene; the message is the reason that is recorded.

    The next scene is tried; where none is left, the row may be tried again another time.
    """


class Gone(ImageryError):
    """The scene will never give the tile: the next one is tried, and with none left that is final.

    An asset that is not there, a band that it lacks, a request that the service refuses.
    """


class NotNow(ImageryError):
    """The service failed, more than once; another time it may not.

    No other scene is tried: which image a tile comes from must not hang on a service's bad hour.
    """


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
    cloud: float | None = None
    """Percent of the image, where the source says it."""
    hrefs: tuple[str, ...] = ()
    """Addresses of its files, where the name alone does not lead to them."""


@dataclass(frozen=True)
class TileImage:
    """What a backend gives for a tile."""

    rgb: Pixels
    """height x width x 3."""
    valid: npt.NDArray[np.bool_]
    """height x width; false where the source holds no data."""
    jpeg: bytes | None = None
    """The pixels as the source itself encoded them, to be kept untouched; None where ours is the
    first encoding."""


class SourceConfig(StageConfig):
    """Fields that every source has, whatever its backend."""

    weight: float = Field(
        1.0, gt=0, description="How often this source is drawn where several suit, relatively."
    )


class Cutter(Protocol):
    """What gives tiles. Made from its config block; holds no state beyond caches."""

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:
        """Give the tile's pixels, or raise `ImageryError`.

        ``objects`` are the OSM objects (rows of the table ``objects``) that touch the tile; only a
        simulated source looks at them.
        """
        ...


class Backend(Cutter, Protocol):
    """A source that can be listed whole."""

    def scenes(self, alias: str) -> Sequence[Scene]:
        """List what tiles can be cut from; raises `InputError` where the source cannot be used."""
        ...


class Archive(Cutter, Protocol):
    """A service: too large to list whole, so it is asked what it has of certain places.

    Its ``cut`` may be called from many threads at once.
    """

    at_once: int
    """Tiles that are worth asking for at the same time."""

    def search(self, alias: str, places: Sequence[Box]) -> Sequence[Scene]:
        """List what shows at least a part of one of the places (boxes in degrees).

        Raises `InputError` where the service cannot be used.
        """
        ...

    def mosaic(self, scenes: Sequence[Scene], tile: Tile) -> TileImage:
        """Give the tile's pixels out of several scenes, the first one on top."""
        ...
