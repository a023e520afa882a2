"""Georeferenced files: each is opened once a process, and knows where its pixels lie."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import shapely

from pipeline.errors import InputError
from skyscript.geo.antimeridian import cut_at_antimeridian
from skyscript.geo.tile import Tile
from skyscript.imagery.gdal import forget_errors, gdal_errors
from skyscript.imagery.grid import PixelGrid, from_mercator, native_grid
from skyscript.imagery.outline import unit_square

if TYPE_CHECKING:
    import pyproj

_EDGE_POINTS = 21
"""Points on each edge of a footprint: an edge is a straight line in its own CRS only."""
_OPEN_FILES = 32

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Raster:
    """An open file and where it lies."""

    path: Path
    data: Any
    """The rasterio dataset."""
    to_degrees: pyproj.Transformer
    """From the file's CRS to WGS 84, longitude first."""
    crs: str
    """The file's, as WKT."""

    def degrees(self, cols: Floats, rows: Floats) -> tuple[Floats, Floats]:
        """Give the longitude and latitude of positions in the file, counted from its corner."""
        lon, lat = self.to_degrees.transform(*_affine(self.data.transform, cols, rows))
        return np.asarray(lon), np.asarray(lat)

    def positions(self, x: Floats, y: Floats, crs: str) -> tuple[Floats, Floats]:
        """Give the columns and rows of coordinates in EPSG:3857 or the file's CRS.

        They are inf where the CRS has none.
        """
        if crs != self.crs:
            x, y = from_mercator(self.crs).transform(x, y)
        return _affine(~self.data.transform, x, y)

    def native_grid_of(self, tile: Tile) -> PixelGrid:
        """Give the smallest grid of the file's own pixels that contains a tile."""
        a, b, c, d, e, f = self.data.transform[:6]
        return native_grid(tile, self.crs, (a, b, c, d, e, f))


def _affine(matrix: Sequence[float], x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Apply an affine transform; versions of the package `affine` differ in the operator for it."""
    a, b, c, d, e, f = matrix[:6]
    return a * x + b * y + c, d * x + e * y + f


def open_raster(path: Path, crs: str | None = None) -> Raster:
    """Open a file, or give the open one if the file has not changed; at most 32 stay open.

    ``crs`` replaces the file's own. Raises `InputError` if the file is no raster or is not
    georeferenced.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    return _open(path, crs, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=_OPEN_FILES)
def _open(path: Path, crs: str | None, _changed: int, _size: int) -> Raster:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            data = rasterio.open(path)
    except gdal_errors() as error:
        raise InputError(f"{path}: not a raster that GDAL can read.") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: the name of its CRS is not UTF-8 text; write it again."
        ) from error
    return locate(data, path, crs or (None if data.crs else _beside(path)))


def _beside(path: Path) -> str | None:
    """Give the CRS in the ``.prj`` file beside a picture; None if there is none."""
    try:
        return path.with_suffix(".prj").read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def locate(data: Any, path: Path | str, crs_text: str | None = None) -> Raster:  # noqa: ANN401 - rasterio's
    """Read where an open file lies; raises `InputError` if it is not georeferenced.

    ``crs_text`` replaces the file's own CRS: a code or WKT.
    """
    import pyproj

    forget_errors(data)
    text = crs_text or (data.crs.to_wkt() if data.crs else None)
    if text is None or data.transform.is_identity:
        raise InputError(
            f"{path}: does not say where on the Earth it lies (no CRS or no geotransform); "
            "georeference it, set the source's `crs` if only that is missing, or leave it out by "
            "the source's `pattern`."
        )
    try:
        crs = pyproj.CRS.from_user_input(text)
        to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise InputError(f"{path}: its CRS cannot be turned into longitude, latitude.") from error
    return Raster(Path(path), data, to_degrees, crs.to_wkt() if crs_text else text)


def footprint(raster: Raster) -> shapely.Geometry:
    """Give the file's outline in WGS 84, cut in two where it crosses the antimeridian."""
    x, y = unit_square(_EDGE_POINTS)
    lon, lat = raster.degrees(x * raster.data.width, y * raster.data.height)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise InputError(f"{raster.path}: its corners lie outside of what its CRS can express.")
    lon = np.unwrap(lon, period=360)
    if abs(lon[-1] - lon[0]) > 1:
        raise InputError(f"{raster.path}: contains a pole, which no tile can show; leave it out.")
    polygon = shapely.Polygon(np.column_stack([lon, lat])[:-1])
    if not polygon.is_valid:
        raise InputError(f"{raster.path}: its outline in longitude, latitude crosses itself.")
    return cut_at_antimeridian(polygon)


def two_digits(gsd: float) -> float:
    """Round to two digits: projections stretch lengths, so images of 0.6 m measure 0.6008 m."""
    return float(f"{gsd:.2g}")


def ground_gsd(raster: Raster) -> float:
    """Measure the metres on the ground that a pixel spans at the image's centre.

    On the ellipsoid, whatever the CRS: the mean of the pixel's two sides (geometric, as they differ
    in a geographic CRS).
    """
    import pyproj

    col, row = raster.data.width / 2, raster.data.height / 2
    cols = np.array([col - 0.5, col + 0.5, col, col])
    rows = np.array([row, row, row - 0.5, row + 0.5])
    lon, lat = raster.degrees(cols, rows)
    _, _, sides = pyproj.Geod(ellps="WGS84").inv(lon[::2], lat[::2], lon[1::2], lat[1::2])
    return float(np.sqrt(sides[0] * sides[1]))
