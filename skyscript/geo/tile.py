"""Boxes, tiles and EPSG:3857: the arithmetic that several stages share.

A tile is a north-up rectangle on the EPSG:3857 grid whose pixel is ``gsd`` metres on the ground at
the tile's centre, that is ``gsd / cos(latitude)`` projected metres. So its edges are meridians and
parallels, and its box in degrees is exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

EARTH_RADIUS = 6378137.0
"""The radius of the sphere of EPSG:3857, in metres."""
MAX_LATITUDE = 85.0
"""Beyond it the EPSG:3857 grid is not used."""
HALF_GLOBE = 180.0
"""Degrees of longitude."""
ANTIMERIDIAN = "crosses the antimeridian"
"""The reason for an area of which no tile can show the whole, because tiles end there."""
TOO_POLAR = "beyond 85 degrees of latitude"
"""The reason for a place or an area beyond `MAX_LATITUDE`, where no tile is made."""
_MOST_NORTH = 89.0

Points = npt.NDArray[np.float64]
"""One position a row: x and y, or longitude and latitude."""


class Box(NamedTuple):
    """A box in degrees (WGS 84), or in EPSG:3857 metres if its user says so."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Box:
        """Give the box of a row of any table that has its four columns."""
        return cls(row["west"], row["south"], row["east"], row["north"])


class Tile(NamedTuple):
    """A tile to cut: its exact box in degrees and its size in pixels."""

    box: Box
    width: int
    height: int


def to_mercator(lon: float, lat: float) -> tuple[float, float]:
    """Give the EPSG:3857 coordinates of a WGS 84 position."""
    x = EARTH_RADIUS * math.radians(lon)
    y = EARTH_RADIUS * math.asinh(math.tan(math.radians(lat)))
    return x, y


def to_degrees(x: float, y: float) -> tuple[float, float]:
    """Give the WGS 84 position of EPSG:3857 coordinates."""
    return math.degrees(x / EARTH_RADIUS), math.degrees(math.atan(math.sinh(y / EARTH_RADIUS)))


def project(degrees: Points) -> Points:
    """Give the EPSG:3857 coordinates of many WGS 84 positions; latitudes end at 89 degrees.

    The last bit of NumPy's functions depends on the processor. So published numbers, such as a
    tile's box, come from `to_mercator`.
    """
    latitude = np.radians(np.clip(degrees[:, 1], -_MOST_NORTH, _MOST_NORTH))
    return EARTH_RADIUS * np.column_stack([np.radians(degrees[:, 0]), np.arcsinh(np.tan(latitude))])


def unproject(metres: Points) -> Points:
    """Give the WGS 84 positions of many EPSG:3857 coordinates; see `project` on their last bit."""
    angles = metres / EARTH_RADIUS
    angles[:, 1] = np.arctan(np.sinh(angles[:, 1]))
    return np.degrees(angles)


def mercator_scale(lat: float) -> float:
    """Give how many EPSG:3857 metres are one metre on the ground at a latitude."""
    return 1 / math.cos(math.radians(lat))


def mercator_box(box: Box) -> Box:
    """Give a box of degrees in EPSG:3857 metres."""
    return Box(*to_mercator(box.west, box.south), *to_mercator(box.east, box.north))


def degrees_box(box: Box) -> Box:
    """Give a box of EPSG:3857 metres in degrees."""
    return Box(*to_degrees(box.west, box.south), *to_degrees(box.east, box.north))


def scale_in(box: Box) -> float:
    """Give how many EPSG:3857 metres are one metre on the ground at the centre of such a box."""
    _, latitude = to_degrees(0.0, (box.south + box.north) / 2)
    return mercator_scale(latitude)


def tile_around(
    lon: float,
    lat: float,
    width: int,
    height: int,
    gsd: float,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Tile:
    """Give the tile of ``width`` x ``height`` pixels centred on a position, or beside it.

    ``shift`` is where the tile's centre lies from the position, in pixels to the east and to the
    north. The pixel is ``gsd`` ground metres at the position itself; at the centre of a tile that
    is shifted by some kilometres, this is true to a fraction of a percent.
    """
    x, y = to_mercator(lon, lat)
    pixel = gsd * mercator_scale(lat)
    x, y = x + shift[0] * pixel, y + shift[1] * pixel
    half_width, half_height = width * pixel / 2, height * pixel / 2
    box = Box(x - half_width, y - half_height, x + half_width, y + half_height)
    return Tile(degrees_box(box), width, height)


def on_grid(box: Box) -> bool:
    """Tell whether a box is within the EPSG:3857 grid: up to 85 degrees, and no antimeridian."""
    return (
        -180 <= box.west < box.east <= 180
        and box.south >= -MAX_LATITUDE
        and box.north <= MAX_LATITUDE
    )


def widened(box: Box, metres: float) -> Box:
    """Give a box in degrees, widened on each side by ``metres`` on the ground."""
    west, south, east, north = sides = mercator_box(box)
    more = metres * scale_in(sides)
    return degrees_box(Box(west - more, south - more, east + more, north + more))
