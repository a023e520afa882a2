"""Cut a tile out of a raster in any CRS.

Not through GDAL's warper: it works on all bands of a file (24 in some) and its answer to "which
pixels are there" depends on which of nodata, alpha, mask or none the file has. Here the window is
read once (`samples`), only the bands that are asked for, and resampled by OpenCV, with one rule for
what is valid. It is also several times faster (`tests/bench/bench_fetch_folder.py`).
Positions are exact to a hundredth of a pixel.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skyscript.geo.tile import Tile
from skyscript.imagery.colours import Interpolation, Reading
from skyscript.imagery.grid import GridChoice, PixelGrid, mercator_grid
from skyscript.imagery.protocol import Pixels, TileImage
from skyscript.imagery.raster import Raster
from skyscript.imagery.samples import Mask, Samples, Window, aligned, read_window

_NODES = 17
"""Points on a side of the grid on which positions are transformed; linear between them."""

Floats = npt.NDArray[np.float64]


def cut_tile(raster: Raster, grid: PixelGrid, reading: Reading) -> TileImage:
    """Give a grid's pixels; if they are much coarser than the file, they are means.

    The grid is EPSG:3857 or the file's own. Raises rasterio's errors where the file cannot be read.
    """
    cols, rows = _positions(raster, grid)
    width, height = raster.data.width, raster.data.height
    inside = (cols >= 0) & (cols <= width) & (rows >= 0) & (rows <= height)
    if not inside.any():
        return TileImage(np.zeros((*inside.shape, 3), np.uint8), inside)
    across, down = _steps(cols), _steps(rows)
    is_whole = inside.all()  # then nothing has to be picked out, which takes longer than the rest
    left, right = _span(cols if is_whole else cols[inside], across, width)
    top, bottom = _span(rows if is_whole else rows[inside], down, height)
    window = aligned(raster.data, Window(left, top, right - left, bottom - top, (across, down)))
    samples, valid = read_window(raster.data, window, reading)
    # OpenCV counts from the middle of the first sample, GDAL from its corner.
    x = (cols - window.left) * (samples.shape[1] / window.width) - 0.5
    y = (rows - window.top) * (samples.shape[0] / window.height) - 0.5
    positions = x.astype(np.float32), y.astype(np.float32)
    rgb, known = _resample(samples, valid, *positions, reading.resample)
    inside &= known
    if not inside.all():
        rgb[~inside] = 0
    return TileImage(rgb, inside)


def cut_on(choice: GridChoice, raster: Raster, tile: Tile, reading: Reading) -> TileImage:
    """Give a tile's pixels on the grid that a source asks for. Raises the errors of `cut_tile`."""
    if choice == "mercator":
        return cut_tile(raster, mercator_grid(tile), reading)
    grid = raster.native_grid_of(tile)
    return replace(cut_tile(raster, grid, reading), grid=grid)


def _positions(raster: Raster, grid: PixelGrid) -> tuple[Floats, Floats]:
    """Give the column and the row in the file of every pixel's centre; inf where there is none."""
    across, down = _nodes(grid.width), _nodes(grid.height)
    col, row = np.meshgrid(across.places * grid.width, down.places * grid.height)
    a, b, c, d, e, f = grid.transform
    cols, rows = raster.positions(a * col + b * row + c, d * col + e * row + f, grid.crs)
    if not (np.isfinite(cols).all() and np.isfinite(rows).all()):
        nowhere = np.full((grid.height, grid.width), np.inf)
        return nowhere, nowhere
    return _between(cols, across, down), _between(rows, across, down)


class _Nodes(NamedTuple):
    """Nodes along one side of a tile, and where the pixels' centres lie among them."""

    places: Floats
    """The positions of the nodes along the side, 0 to 1: first to last centre of a pixel."""
    before: npt.NDArray[np.intp]
    """The node before each pixel."""
    share: Floats
    """The position of each pixel between that node (0) and the next one (1)."""


def _nodes(size: int) -> _Nodes:
    centres = (np.arange(size) + 0.5) / size
    places = np.linspace(centres[0], centres[-1], _NODES)
    exact = np.interp(centres, places, np.arange(_NODES)) if size > 1 else np.zeros(1)
    before = np.minimum(exact.astype(np.intp), _NODES - 2)
    return _Nodes(places, before, exact - before)


def _between(values: Floats, across: _Nodes, down: _Nodes) -> Floats:
    """Interpolate values at nodes for every pixel.

    Element by element and not as a matrix product, whose threads would slow each other down.
    """
    wide = values[:, across.before] * (1 - across.share)
    wide += values[:, across.before + 1] * across.share
    result: Floats = wide[down.before]
    result *= (1 - down.share)[:, None]
    after = wide[down.before + 1]
    after *= down.share[:, None]
    result += after
    return result


def _steps(positions: Floats) -> int:
    """Give how many whole columns (or rows) of the file one pixel of the tile spans, at least 1."""
    height, width = positions.shape
    along_x = (positions[0, -1] - positions[0, 0]) / max(1, width - 1)
    along_y = (positions[-1, 0] - positions[0, 0]) / max(1, height - 1)
    # The small addend: a span of five comes out as 4.999999.
    return max(1, int(np.hypot(along_x, along_y) + 1e-3))


def _span(positions: Floats, step: int, size: int) -> tuple[int, int]:
    """Give the first and the end of the columns (or rows) that positions need, neighbours too."""
    first = int(np.floor(positions.min())) - step - 1
    end = int(np.ceil(positions.max())) + step + 1
    return max(0, first), min(size, end)


def _resample(
    samples: Samples, valid: Mask, x: Samples, y: Samples, how: Interpolation
) -> tuple[Pixels, Mask]:
    """Interpolate samples at positions, and say which of these are mostly known."""
    import cv2

    ways = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}

    def at_positions(image: Samples) -> Samples:
        edge = cv2.BORDER_REPLICATE
        return np.asarray(cv2.remap(image, x, y, ways[how], borderMode=edge))

    known = np.ones(x.shape, np.bool_)
    if valid.all():
        rgb = at_positions(samples)
    else:
        share = at_positions(valid.astype(np.float32))
        known = share > 0.5
        # What is not there must not darken its neighbours: the mean is over what is there.
        there = np.where(valid[..., None], samples, 0).astype(np.float32)
        rgb = at_positions(there) / np.maximum(share, 1e-6)[..., None]
    if rgb.dtype != np.uint8:
        rgb = np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
    return rgb, known
