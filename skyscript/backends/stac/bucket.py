"""Which files a bucket has that has no catalogue: its list, and what the files' headers say.

The list gives the names; a pattern of the names gives the years; the head of each file gives where
it lies and how large its pixels are.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import shapely

from pipeline.errors import InputError
from skyscript.backends.service.retry import http_retries
from skyscript.backends.stac.config import BUCKET_ASSET
from skyscript.backends.stac.items import PRECISION
from skyscript.backends.stac.query import StacQuery
from skyscript.backends.stac.remote_file import GDAL, open_remote
from skyscript.geo.tile import Box
from skyscript.imagery.acquisition_time import from_name
from skyscript.imagery.gdal import gdal_errors, load_gdal
from skyscript.imagery.places import places_within, search_areas
from skyscript.imagery.protocol import NeverAvailable
from skyscript.imagery.raster import footprint, ground_gsd, two_digits

MOST_FILES = 50_000
_AT_ONCE = 16
_TIMEOUT = (10, 60)
log = logging.getLogger(__name__)


def items_of_bucket(wanted: StacQuery, places: Sequence[Box]) -> Iterator[Mapping[str, Any]]:
    """Give an item for each file near some places; names the files that are unusable.

    Raises `InputError` if there are too many files, and what the client raises.
    """
    areas, route = search_areas(places), wanted.route
    times = {}
    for key in _keys(route.address, route.prefixes or ("",), route.files):
        found = from_name(key, route.acquired) if route.acquired else None
        if found is None or not wanted.years[0] <= found[0].year <= wanted.years[1]:
            continue
        times[key] = found
    faults: list[str] = []

    def item(key: str) -> dict[str, Any] | None:
        try:
            outline, gsd = _header(f"{route.address}/{quote(key)}")
        except (InputError, NeverAvailable) as error:
            faults.append(str(error))
            return None
        if not places_within(areas, Box(*shapely.bounds(outline).tolist())):
            return None
        time, precision = times[key]
        return {
            "id": key,
            "geometry": json.loads(shapely.to_geojson(outline)),
            "properties": {"datetime": time.isoformat(), "gsd": gsd, PRECISION: precision},
            "assets": {BUCKET_ASSET: {"href": f"{route.address}/{quote(key)}"}},
        }

    load_gdal()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from (each for each in pool.map(item, times) if each is not None)
    if faults:
        log.warning("%s: %d files are left out: %s", wanted.alias, len(faults), sorted(faults)[0])


def _header(address: str) -> tuple[shapely.Geometry, float]:
    """Give the outline of a file in degrees, and the metres of its pixels, to two digits."""
    import rasterio

    try:
        with rasterio.Env(**GDAL):
            raster = open_remote(address, address)
            try:
                return footprint(raster), two_digits(ground_gsd(raster))
            finally:
                raster.data.close()
    except gdal_errors() as error:
        raise InputError(f"{address}: its head cannot be read ({error}).") from error


def _keys(bucket: str, prefixes: Sequence[str], pattern: str) -> list[str]:
    """List the names of a bucket's files that begin so and match the pattern, page by page."""
    import requests
    from requests.adapters import HTTPAdapter

    found: list[str] = []
    with requests.Session() as session:
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=http_retries()))
        for prefix in prefixes:
            page: dict[str, str] | None = {"list-type": "2", "prefix": prefix}
            while page is not None:
                answer = session.get(f"{bucket}/", params=page, timeout=_TIMEOUT)
                answer.raise_for_status()
                names, token = _read_page(answer.content)
                found += [name for name in names if fnmatchcase(name, pattern)]
                if len(found) > MOST_FILES:
                    raise InputError(
                        f"{bucket}: lists more than {MOST_FILES:,} files, too many to look into: "
                        "give longer `prefixes`."
                    )
                page = page | {"continuation-token": token} if token else None
    return sorted(set(found))


def _read_page(content: bytes) -> tuple[list[str], str | None]:
    """Read a page of a list: the names, and the token of the next page if there is one."""
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise ValueError(f"its list is no XML: {error}") from error
    names = [found.text or "" for found in root.iterfind("{*}Contents/{*}Key")]
    is_last = (root.findtext("{*}IsTruncated") or "").lower() != "true"
    return names, None if is_last else root.findtext("{*}NextContinuationToken")
