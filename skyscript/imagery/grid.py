"""Pixel grids of tiles: on EPSG:3857, or the source's own."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from skyscript.geo.tile import Points, Tile, mercator_box
from skyscript.imagery.outline import unit_square

if TYPE_CHECKING:
    import pyproj

GridChoice = Literal["mercator", "native"]
_EDGE_POINTS = 9
_SNAP = 1e-6
"""Fraction of a pixel within which an edge counts as lying on a pixel border."""

Affine6 = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f: x = a col + b row + c, y = d col + e row + f."""


class PixelGrid(NamedTuple):
    """The pixel grid of a georeferenced image: CRS, affine transform and size."""

    crs: str
    """A code (EPSG:3857), or WKT where there is none."""
    transform: Affine6
    width: int
    height: int

    def pixels(self, points: Points) -> Points:
        """Give the columns and rows, from the top left corner, of EPSG:3857 positions."""
        a, b, c, d, e, f = self.transform
        x, y = points.T
        if self.crs != "EPSG:3857":
            x, y = from_mercator(self.crs).transform(x, y)
        inverse = np.linalg.inv(np.array([[a, b], [d, e]]))
        found: Points = np.column_stack([x - c, y - f]) @ inverse.T
        return found


def mercator_grid(tile: Tile) -> PixelGrid:
    """Give a tile's own grid."""
    box = mercator_box(tile.box)
    across, down = (box.east - box.west) / tile.width, (box.south - box.north) / tile.height
    transform = (across, 0.0, box.west, 0.0, down, box.north)
    return PixelGrid("EPSG:3857", transform, tile.width, tile.height)


def native_grid(tile: Tile, crs: str, transform: Affine6) -> PixelGrid:
    """Give the smallest grid of an image's own pixels that contains a tile."""
    a, b, c, d, e, f = transform
    box, (across, up) = mercator_box(tile.box), unit_square(_EDGE_POINTS)
    edges = box.west + across * (box.east - box.west), box.south + up * (box.north - box.south)
    x, y = from_mercator(crs).transform(*edges)
    determinant = a * e - b * d
    cols = (e * (x - c) - b * (y - f)) / determinant
    rows = (a * (y - f) - d * (x - c)) / determinant
    left, top = (math.floor(side.min() + _SNAP) for side in (cols, rows))
    right, bottom = (math.ceil(side.max() - _SNAP) for side in (cols, rows))
    corner = (a * left + b * top + c, d * left + e * top + f)
    return PixelGrid(crs, (a, b, corner[0], d, e, corner[1]), right - left, bottom - top)


@lru_cache(maxsize=256)
def from_mercator(crs: str) -> pyproj.Transformer:
    """Give the transformer from EPSG:3857 to a CRS."""
    import pyproj

    return pyproj.Transformer.from_crs("EPSG:3857", crs, always_xy=True)


@lru_cache(maxsize=256)
def crs_code(crs: str) -> str:
    """Give the EPSG code of a CRS if it certainly has one, else the CRS unchanged."""
    import pyproj

    code = pyproj.CRS.from_user_input(crs).to_epsg(min_confidence=100)
    return f"EPSG:{code}" if code else crs
