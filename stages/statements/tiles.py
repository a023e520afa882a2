"""The tiles of images in EPSG:3857, and geometries cut to them, in pixels."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import shapely

from skyscript.geo.clip import clip_to_boxes, reach_out
from skyscript.geo.tile import EARTH_RADIUS, Box, project, unproject
from stages.statements.scenes import Floats, Geometries, Ints


class Tiles(NamedTuple):
    """Tiles of images, as columns."""

    degrees: Floats
    """n x (west, south, east, north)."""
    sides: Floats
    """The same in EPSG:3857 metres."""
    scale: Floats
    """EPSG:3857 metres of a metre on the ground, at the centre."""
    sizes: Ints
    """n x (width, height) in pixels."""

    @classmethod
    def of(cls, rows: pa.Table) -> Self:
        """Give the tiles of rows that have a box in degrees and a size in pixels."""
        degrees = np.column_stack([rows[side].to_numpy() for side in Box._fields])
        sides = project(degrees.reshape(-1, 2)).reshape(-1, 4)
        scale = np.cosh((sides[:, 1] + sides[:, 3]) / 2 / EARTH_RADIUS)
        sizes = [rows[side].to_numpy().astype(np.int64) for side in ("width", "height")]
        return cls(degrees, sides, scale, np.column_stack(sizes))

    @property
    def metres(self) -> Floats:
        """Give the metres on the ground of a pixel."""
        return np.asarray((self.sides[:, 2] - self.sides[:, 0]) / self.sizes[:, 0] / self.scale)

    def widened(self, metres: float) -> Floats:
        """Give the boxes in degrees, widened on each side by ``metres`` on the ground."""
        wider = self.sides + np.outer(metres * self.scale, [-1, -1, 1, 1])
        return unproject(wider.reshape(-1, 2)).reshape(-1, 4)

    def cut(self, metres: Geometries, image: Ints) -> Geometries:
        """Give the parts of valid geometries in tiles, in pixels from the top left corner.

        ``metres`` are in EPSG:3857; ``image`` is the number of the tile of each, ascending.
        """
        parts = clip_to_boxes(metres, image, self.sides)
        cut = reach_out(metres, self.sides[image])
        parts[cut] = _valid(parts[cut])
        points, owner = shapely.get_coordinates(parts, return_index=True)
        of, sides = image[owner], self.sides
        scale = np.column_stack([sides[:, 2] - sides[:, 0], sides[:, 3] - sides[:, 1]]) / self.sizes
        points[:, 0] = (points[:, 0] - sides[of, 0]) / scale[of, 0]
        points[:, 1] = (sides[of, 3] - points[:, 1]) / scale[of, 1]
        shapely.set_coordinates(parts, points)
        return parts


def _valid(geometries: Geometries) -> Geometries:
    wrong = ~shapely.is_valid(geometries)
    geometries[wrong] = shapely.make_valid(geometries[wrong])
    return geometries
