"""The errors of GDAL, as rasterio passes them on."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def load_gdal() -> None:
    """Import rasterio, and boto3 with it, before threads use them.

    Imports of their parts by several threads at once find half loaded modules.
    """
    import rasterio  # noqa: F401 - to have it


def gdal_errors() -> tuple[type[Exception], ...]:
    """Give the classes of error that reading a damaged file may raise.

    Some functions of rasterio, such as ``colorinterp``, pass on GDAL's own class.
    """
    # A thread that imports a part of rasterio, while another one imports rasterio, finds its
    # modules half loaded. Imports of the whole wait for each other.
    import rasterio  # noqa: F401 - the whole comes first
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError

    return RasterioError, CPLE_BaseError


def forget_errors(data: Any) -> None:  # noqa: ANN401 - rasterio's
    """Let GDAL forget the last error of an open file: rasterio would raise it in the next call."""
    with suppress(*gdal_errors()):
        _ = data.colorinterp
