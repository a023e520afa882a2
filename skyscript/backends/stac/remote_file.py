"""Files on a server, opened by GDAL: its settings, and the formats that are accepted."""

from __future__ import annotations

from skyscript.backends.service.retry import gdal_retries
from skyscript.imagery.protocol import NeverAvailable, Problem
from skyscript.imagery.raster import Raster, locate

GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60",
    **gdal_retries(),
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": "5000000",
}
"""GDAL does not list the folder around a file, and repeats single range requests that failed."""
ANEW = {"CPL_VSIL_CURL_NON_CACHED": "/vsicurl/"}
"""For a second attempt: GDAL remembers a file that could not be opened, and does not ask again."""
_DRIVERS = ("GTiff", "JP2OpenJPEG")
"""Other formats are refused: a VRT from a server could lead to local files."""


def open_remote(address: str, href: str) -> Raster:
    """Open a file, signed as ``address`` and named ``href`` in messages.

    Raises `NeverAvailable` for a format that is not accepted, `InputError` if the file does not say
    where it lies, and rasterio's errors.
    """
    import rasterio

    data = rasterio.open(address)
    try:
        if data.driver not in _DRIVERS:
            why = f"{href} is neither GeoTIFF nor JPEG 2000 but {data.driver}"
            raise NeverAvailable(why, Problem.REFUSED)
        return locate(data, href)
    except Exception:
        data.close()
        raise
