"""The pixels that a tile is made of: on the EPSG:3857 grid, or a source's own."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from skyscript.geo.tile import Tile, mercator_box

if TYPE_CHECKING:
    import pyproj

GridChoice = Literal["mercator", "native"]
GRID_HELP = (
    "Choose the pixel grid. `mercator`: north is up, and the box in degrees is exact. `native`: "
    "the source's own pixels stay untouched, as many as hold the tile. A box in degrees is then "
    "slightly rotated against them, so it is a box that the image holds whole; `crs` and "
    "`transform` in the table `images` are exact. A tile from several images is always `mercator`."
)
_EDGE_POINTS = 9
_SNAP = 1e-6
"""Pixels by which an edge may miss a whole one, and still be it."""

Affine6 = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f: x = a col + b row + c, y = d col + e row + f."""


class PixelGrid(NamedTuple):
    """Where each pixel of an image lies."""

    crs: str
    """A code (EPSG:3857), or WKT where there is none."""
    transform: Affine6
    width: int
    height: int


def mercator_grid(tile: Tile) -> PixelGrid:
    """Give a tile's own grid."""
    box = mercator_box(tile.box)
    across, down = (box.east - box.west) / tile.width, (box.south - box.north) / tile.height
    transform = (across, 0.0, box.west, 0.0, down, box.north)
    return PixelGrid("EPSG:3857", transform, tile.width, tile.height)


def native_grid(tile: Tile, crs: str, transform: Affine6) -> PixelGrid:
    """Give the pixels of an image with a geotransform that hold a tile whole."""
    a, b, c, d, e, f = transform
    x, y = from_mercator(crs).transform(*_outline(tile))
    determinant = a * e - b * d
    cols = (e * (x - c) - b * (y - f)) / determinant
    rows = (a * (y - f) - d * (x - c)) / determinant
    left, top = (math.floor(side.min() + _SNAP) for side in (cols, rows))
    right, bottom = (math.ceil(side.max() - _SNAP) for side in (cols, rows))
    corner = (a * left + b * top + c, d * left + e * top + f)
    return PixelGrid(crs, (a, b, corner[0], d, e, corner[1]), right - left, bottom - top)


@lru_cache(maxsize=256)
def from_mercator(crs: str) -> pyproj.Transformer:
    """Give the way from EPSG:3857 to a CRS."""
    import pyproj

    return pyproj.Transformer.from_crs("EPSG:3857", crs, always_xy=True)


@lru_cache(maxsize=256)
def named(crs: str) -> str:
    """Give a CRS by its code where it has one for certain, else as it is."""
    import pyproj

    code = pyproj.CRS.from_user_input(crs).to_epsg(min_confidence=100)
    return f"EPSG:{code}" if code else crs


def _outline(tile: Tile) -> tuple[np.ndarray, np.ndarray]:
    """Walk the tile's edges: what is straight in EPSG:3857 is a curve elsewhere."""
    box = mercator_box(tile.box)
    x, y = (np.linspace(low, high, _EDGE_POINTS) for low, high in (box[::2], box[1::2]))
    ends = np.full(_EDGE_POINTS, box.west), np.full(_EDGE_POINTS, box.east)
    sides = np.full(_EDGE_POINTS, box.south), np.full(_EDGE_POINTS, box.north)
    return np.concatenate([x, x, *ends]), np.concatenate([*sides, y, y])
