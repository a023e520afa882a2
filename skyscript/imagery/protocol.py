"""The protocol that every source of images fits, and the values that pass through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import AfterValidator, Field

from pipeline.stage import StageConfig
from skyscript.geo.tile import Box, Tile
from skyscript.imagery.grid import PixelGrid

Pixels = npt.NDArray[np.uint8]


class Problem(StrEnum):
    """The class of what kept a tile from being fetched: the column ``error`` of ``images``."""

    NO_IMAGERY = "no_imagery"
    """Every scene lacks too much of the tile, or shows clouds there."""
    MISSING = "missing"
    """The service has no such image or file."""
    REFUSED = "refused"
    """The service does not take the request, now or later."""
    TOO_HEAVY = "too_heavy"
    """The service ran out of memory or time over it."""
    BUSY = "busy"
    """Too many requests, the service said."""
    DOWN = "down"
    """The service failed."""
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    DAMAGED = "damaged"
    """What came is no image, or not the one that was asked for."""
    UNREADABLE = "unreadable"
    """A file of ours, or one that a service leads to, cannot be read."""


class ImageryError(Exception):
    """A tile could not be had from a scene; the message is the reason that is recorded.

    The next scene is tried; where none is left, the row may be tried again another time.
    """

    def __init__(self, reason: str, problem: Problem = Problem.UNREADABLE) -> None:
        super().__init__(reason)
        self.problem = problem


class Gone(ImageryError):
    """The scene will never give the tile: the next one is tried, and with none left that is final.

    An asset that is not there, a band that it lacks, a request that the service refuses.
    """


class Unfit(ImageryError):
    """The scene gives the tile, and what it shows is not worth having: clouds."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, Problem.NO_IMAGERY)


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
    content: str | None = None
    """Content id of its file, where that is one of ours."""
    crs: str | None = None
    """Of its own pixels, where the service says it and no file does."""
    transform: tuple[float, ...] | None = None
    """Likewise: a, b, c, d, e, f."""


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
    grid: PixelGrid | None = None
    """Where the pixels lie; None where that is the tile's box, on the EPSG:3857 grid."""


def _from_one(value: tuple[int, int, int]) -> tuple[int, int, int]:
    if min(value) < 1:
        raise ValueError("bands are counted from 1")
    return value


def _black_below_white(value: tuple[float, float]) -> tuple[float, float]:
    if not value[0] < value[1]:
        raise ValueError("the first value of `scale` must be below the second")
    return value


def _in_order(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] > value[1]:
        raise ValueError("the first of `years` must not be after the second")
    return value


Bands = Annotated[tuple[int, int, int], AfterValidator(_from_one)]
Scale = Annotated[tuple[float, float], AfterValidator(_black_below_white)]
Years = Annotated[tuple[int, int], AfterValidator(_in_order)]

CHOICE: dict[str, Any] = {"pixels": False}
"""Pass as ``json_schema_extra``: the field says which scenes there are, and nothing of how tiles
are cut from them."""


class SourceConfig(StageConfig):
    """Fields that every source has, whatever its backend."""

    weight: float = Field(
        1.0,
        gt=0,
        description="Draw this source in proportion to this weight if several sources suit a tile.",
        json_schema_extra=CHOICE,
    )

    def cutting(self) -> dict[str, Any]:
        """Give the fields that decide what a tile of a given scene looks like."""
        fields = type(self).model_fields
        return {
            name: value
            for name, value in self.identity().items()
            if fields[name].json_schema_extra != CHOICE
        }


class Cutter(Protocol):
    """What gives tiles. Made from its config block; holds no state beyond caches."""

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:
        """Give the tile's pixels, or raise `ImageryError`.

        ``objects`` are the OSM objects (rows of the table ``objects``) that touch the tile; only a
        simulated source looks at them.
        """
        ...

    def mosaic(self, scenes: Sequence[Scene], tile: Tile) -> TileImage:
        """Give the tile's pixels out of several scenes, the first one on top; raises as `cut`."""
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
