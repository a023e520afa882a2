"""From EPSG:3857 metres to the pixels of an image, and from pixels to metres on the ground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skyscript.geo.tile import Box, Tile, mercator_box, scale_in
from skyscript.imagery.grid import PixelGrid, mercator_grid
from skyscript.match.edge_lines import Pieces


class ImagePixels:
    """The pixel grid of a row of the table ``images``."""

    def __init__(self, image: Mapping[str, Any]) -> None:
        """Take the image's own grid if it has one, else that of its box on EPSG:3857."""
        self.box = mercator_box(Box.of(image))
        self.metre = scale_in(self.box)
        """EPSG:3857 metres of a metre on the ground."""
        size = image["width"], image["height"]
        self._grid = (
            mercator_grid(Tile(Box.of(image), *size))
            if image["crs"] is None
            else PixelGrid(image["crs"], tuple(image["transform"]), *size)
        )

    def around(self, metres: float) -> Box:
        """Give the image's box in EPSG:3857 metres, widened by metres on the ground."""
        more = metres * self.metre
        west, south, east, north = self.box
        return Box(west - more, south - more, east + more, north + more)

    def place(self, pieces: Pieces) -> Pieces:
        """Give pieces of EPSG:3857 metres in pixels."""
        ends = [self._grid.pixels(pieces.ends[:, side]) for side in (slice(0, 2), slice(2, 4))]
        return Pieces(np.hstack(ends), pieces.width)

    def metres(self, right: float, down: float) -> tuple[float, float]:
        """Give a shift of pixels in metres to the east and to the north."""
        x, y = (self.box.west + self.box.east) / 2, (self.box.south + self.box.north) / 2
        steps = np.array([[x, y], [x + self.metre, y], [x, y + self.metre]])
        middle, east, north = self._grid.pixels(steps)
        moved = np.linalg.solve(np.column_stack([east - middle, north - middle]), (right, down))
        return float(moved[0]), float(moved[1])
