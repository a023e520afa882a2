"""Small georeferenced files, and scenes for tests."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds
import pyproj
import rasterio
import shapely
from affine import Affine
from PIL import Image

from skyscript.geo.tile import Box
from stages import tables
from tests.conftest import REPOSITORY

PLACES = {
    "EPSG:4326": (8.5, 47.4),
    "EPSG:3857": (85.5, 27.6),
    "EPSG:32618": (-75.9, 37.5),  # UTM
    "EPSG:2056": (8.5, 47.4),  # Switzerland
    "EPSG:28992": (5.4, 52.1),  # the Netherlands, oblique stereographic
    "EPSG:3031": (30.0, -75.0),  # polar stereographic: north is not up
}
"""A CRS and a place where it is used."""


def north_up(west: float, north: float, pixel: float, height: float | None = None) -> Affine:
    """Give the geotransform of a corner and a pixel; rasterio's own warns of its affine library."""
    return Affine(pixel, 0, west, 0, -(height or pixel), north)


def write_raster(
    path: Path,
    samples: npt.NDArray[Any],
    crs: str = "EPSG:32632",
    place: tuple[float, float] = (9.0, 47.0),
    pixel: float = 0.5,
    **profile: Any,
) -> Path:
    """Write bands, rows, columns with the middle at a place; ``pixel`` in the CRS's unit."""
    bands, height, width = samples.shape
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*place)
    settings = {
        "driver": "GTiff",
        "dtype": samples.dtype,
        "crs": crs,
        "transform": north_up(x - width / 2 * pixel, y + height / 2 * pixel, pixel),
        **profile,
    }
    tags = settings.pop("tags", {})
    with rasterio.open(path, "w", count=bands, width=width, height=height, **settings) as file:
        file.write(samples)
        if tags:
            file.update_tags(**tags)
    return path


def write_picture(path: Path, crs: str, place: tuple[float, float], pixel: float) -> Path:
    """Write the README's gallery, twice one below the other, as if it were an aerial image."""
    with Image.open(REPOSITORY / "docs/gallery.jpg") as image:
        samples = np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)
    return write_raster(path, np.tile(samples, (1, 2, 1)), crs, place, pixel)


def plain(bands: int = 3, height: int = 300, width: int = 300, dtype: str = "uint8") -> Any:
    """Give bands of one value each: 10, 20, 30 ..."""
    values = np.arange(1, bands + 1, dtype=dtype) * 10
    return np.broadcast_to(values[:, None, None], (bands, height, width)).copy()


def scenes_table(*scenes: dict[str, Any]) -> ds.Dataset:
    """Give the table ``scenes``; what a scene does not say is a plain aerial image."""
    rows = []
    for scene in scenes:
        box = Box(*scene.pop("box"))
        row = {
            "backend": "folder",
            "name": scene["scene_id"].partition("/")[2],
            "source": scene["scene_id"].partition("/")[0],
            "geometry": shapely.to_wkb(shapely.box(*box)),
            **box._asdict(),
            "gsd": 0.1,
            "acquired": 0,
            "time_precision": "year",
            "weight": 1.0,
        }
        rows.append(row | scene)
    return ds.dataset(pa.Table.from_pylist(rows, schema=tables.SCENES.schema))
