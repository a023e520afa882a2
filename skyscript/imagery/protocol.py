"""The protocol of all sources of images, its values and its errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skyscript.geo.tile import Box, Tile
from skyscript.imagery.grid import PixelGrid

Pixels = npt.NDArray[np.uint8]


class Problem(StrEnum):
    """Why a tile was not fetched, as a class: the column ``error`` of ``images``."""

    NO_IMAGERY = "no_imagery"
    """Every scene lacks too much of the tile, or shows clouds there."""
    BLANK = "blank"
    """The pixels are black, white or one colour where the ground should be."""
    CLOUDY = "cloudy"
    """The pixels look like cloud."""
    HAZY = "hazy"
    """The pixels look as through haze."""
    BLURRED = "blurred"
    """The pixels lack the detail of their size."""
    MISSING = "missing"
    """The service has no such image or file."""
    REFUSED = "refused"
    """The service never accepts this request."""
    TOO_HEAVY = "too_heavy"
    """The service ran out of memory or time for the request."""
    BUSY = "busy"
    """The service got too many requests."""
    DOWN = "down"
    """The service failed."""
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    DAMAGED = "damaged"
    """The answer is no image, or not the requested one."""
    UNREADABLE = "unreadable"
    """A file, on disk or on a server, cannot be read."""


class ImageryError(Exception):
    """A scene did not give a tile; the message becomes the recorded reason.

    The subclass says what happened; the stage `fetch` decides what follows from it.
    """

    def __init__(self, reason: str, problem: Problem) -> None:
        super().__init__(reason)
        self.problem = problem


class NeverAvailable(ImageryError):
    """The scene will never give the tile: no such asset or band, or a request that is refused."""


class TooCloudy(ImageryError):
    """Clouds cover too much of the tile."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, Problem.NO_IMAGERY)


class TryLater(ImageryError):
    """The scene may give the tile another time: a file could not be read, or a service failed."""


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
    """Percent of the image, if the source says it."""
    hrefs: tuple[str, ...] = ()
    """Addresses of its files, if the name is not enough to find them."""
    content: str | None = None
    """Content id of its file, if that is on this machine."""
    crs: str | None = None
    """The CRS of the image's own pixels, if only the service states it."""
    transform: tuple[float, ...] | None = None
    """The geotransform (a, b, c, d, e, f) of these pixels, if only the service states it."""
    bands: tuple[int, int, int] | None = None
    """Which bands of its file are red, green and blue, if its source says it."""
    offsets: tuple[float, float, float] | None = None
    """The samples of red, green and blue that stand for 0, if its source says it."""
    nodata: float | None = None
    """The sample that stands for no data, if its source says it."""


@dataclass(frozen=True)
class TileImage:
    """A tile's pixels, as a backend gives them."""

    rgb: Pixels
    """height x width x 3."""
    valid: npt.NDArray[np.bool_]
    """height x width; false where the source holds no data."""
    jpeg: bytes | None = None
    """The bytes of the source's own JPEG, which are kept unchanged; None if there are none."""
    grid: PixelGrid | None = None
    """Where the pixels lie; None if they fill the tile's box on the EPSG:3857 grid."""


class Cutter(Protocol):
    """Gives tiles. Made from its config block; holds no state except caches."""

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:
        """Give the tile's pixels, or raise `ImageryError`.

        ``objects`` are the OSM objects (rows of the table ``objects``) that touch the tile; only a
        simulated source looks at them.
        """
        ...

    def mosaic(self, scenes: Sequence[Scene], tile: Tile) -> TileImage:
        """Give the tile's pixels from several scenes, the first one on top.

        Raises `ImageryError`, as `cut` does.
        """
        ...


class LocalBackend(Cutter, Protocol):
    """A source on this machine: all its scenes can be listed."""

    def scenes(self, alias: str) -> Sequence[Scene]:
        """List all scenes; raises `InputError` if the source cannot be used."""
        ...


class RemoteBackend(Cutter, Protocol):
    """A service: too large to list, so it is searched for scenes of given places.

    Its ``cut`` may be called from many threads at once.
    """

    at_once: int
    """How many tiles are useful to request at the same time."""

    def connect(self) -> None:
        """Sign in where the service needs it, once before many threads ask for tiles.

        Raises `InputError` if the service cannot be used.
        """
        ...

    def search(self, alias: str, places: Sequence[Box]) -> Sequence[Scene]:
        """List the scenes that show a part of one of the places (boxes in degrees).

        Raises `InputError` if the service cannot be used.
        """
        ...
