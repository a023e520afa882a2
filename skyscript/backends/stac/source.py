"""The backend ``stac``: public archives of cloud-optimised GeoTIFFs, without an account."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from image_sources import SOURCES, StacRoute
from pipeline.errors import InputError
from pipeline.stage import EXECUTION
from skyscript.backends.service.circuit_breaker import Breaker
from skyscript.backends.service.quota import Quota
from skyscript.backends.service.retry import persistently
from skyscript.backends.stac.errors import TOO_MANY, classify, http_status
from skyscript.backends.stac.search import StacQuery, search
from skyscript.backends.stac.token import Signer
from skyscript.geo.tile import Box, Tile
from skyscript.imagery.grid import GRID_HELP, GridChoice
from skyscript.imagery.mosaic import composed
from skyscript.imagery.places import covered
from skyscript.imagery.protocol import (
    CHOICE,
    Bands,
    Gone,
    Problem,
    Scale,
    Scene,
    SourceConfig,
    TileImage,
    Years,
)
from skyscript.imagery.raster import Raster, placed
from skyscript.imagery.warp import Reading, Resample, cut_on

_GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "0.3",
    "GDAL_HTTP_RETRY_CODES": "500,502,503,504",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": "5000000",
}
"""No look at the folder around a file. One of a tile's many requests that fails is repeated by
GDAL; that there were too many is ours to know."""
_ANEW = {"CPL_VSIL_CURL_NON_CACHED": "/vsicurl/"}
"""For a second attempt: GDAL remembers a file that could not be opened, and asks no more."""
_DRIVERS = ("GTiff", "JP2OpenJPEG")
"""A file from elsewhere is not to be taken for one that leads on to files of ours (VRT)."""
_OPEN_FILES = 4
"""Files that each thread keeps open."""


class StacSource(SourceConfig):
    """A collection of a STAC API whose items lead to georeferenced files.

    US, S2, L8, L9 and CH have a public one, named in `image_sources`; for others name it here.
    """

    backend: Literal["stac"] = Field(
        "stac",
        description="Search a STAC API and read the files that it lists. It needs no account.",
    )
    api: str | None = Field(None, description="Search the API at this address.")
    collection: str | None = Field(None, description="Search the collection with this id.")
    assets: tuple[str, ...] | None = Field(
        None,
        description="Read colours from this asset, or from three: red, green and blue. Patterns "
        "such as `*_0.1_*` are allowed.",
    )
    platform: str | None = Field(None, description="Use only items of this satellite.")
    bands: Bands = Field(
        (1, 2, 3),
        description="Use these bands of a single asset as red, green and blue. The first band is "
        "1.",
    )
    scale: Scale | None = Field(
        None,
        description="Map these two sample values to black and white. It is needed if samples are "
        "not 8-bit.",
    )
    nodata: float | None = Field(
        None,
        description="Treat a pixel with this value in all three bands as missing. By default, the "
        "files decide.",
    )
    mask: Literal["file", "none"] = Field(
        "file",
        description="Use the mask or alpha band of the files (`file`), or ignore it (`none`).",
    )
    resample: Resample = Field("bilinear", description="Interpolate between pixels in this way.")
    grid: GridChoice = Field("mercator", description=GRID_HELP)
    gsd: float | None = Field(
        None,
        gt=0,
        description="State the ground size of a pixel, in metres. By default, the items state it.",
        json_schema_extra=CHOICE,
    )
    years: Years | None = Field(
        None,
        description="Use images from the first to the last of these two years. By default, all "
        "years are used.",
        json_schema_extra=CHOICE,
    )
    max_cloud: float = Field(
        10,
        gt=0,
        le=100,
        description="Use an image only if less than this percentage of it is cloud.",
        json_schema_extra=CHOICE,
    )
    per_place: int = Field(
        4,
        ge=1,
        le=100,
        description="Keep this many images of each place of a satellite, the clearest first.",
        json_schema_extra=CHOICE,
    )
    at_once: int = Field(
        16,
        ge=1,
        le=256,
        description="Read at most this many tiles at the same time. There are fewer while the "
        "service answers that there are too many.",
        json_schema_extra=EXECUTION,
    )
    a_second: float = Field(
        100,
        gt=0,
        description="Begin at most this many tiles a second.",
        json_schema_extra=EXECUTION,
    )


class StacBackend:
    """Finds items and reads windows of their files."""

    def __init__(self, config: StacSource) -> None:
        self._config = config
        # Twice the slots: who waits before a retry holds none.
        self.at_once = 2 * config.at_once
        self._mine = threading.local()
        self._signers: dict[str, Signer] = {}
        self._quotas: dict[str, Quota] = {}
        self._lock = threading.Lock()
        self._breaker = Breaker()

    def search(self, alias: str, places: Sequence[Box]) -> Sequence[Scene]:
        """Give the scenes that show a part of a place; raises `InputError` where it cannot ask."""
        source, config = SOURCES.get(alias), self._config
        if source is not None:
            places = covered(places, Box(*source.coverage))
        if not places:
            return []
        known = source.years if source else (1900, None)
        wanted = StacQuery(
            alias=alias,
            route=self._route(alias),
            years=config.years or (known[0], known[1] or 9998),
            max_cloud=config.max_cloud,
            per_place=config.per_place if self._is_cloudy(alias) else None,
            gsd=config.gsd or (source.gsd if source else None),
            time_precision=source.time_precision if source else "minute",
            weight=config.weight,
        )
        return search(wanted, places)

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:  # noqa: ARG002
        """Give the tile's pixels; raises `Gone` or `NotNow`."""
        return self._cut(scene, tile, self._config.grid)

    def mosaic(self, scenes: Sequence[Scene], tile: Tile) -> TileImage:
        """Give the tile's pixels out of several scenes' files; raises as `cut`."""
        return composed(lambda scene: self._cut(scene, tile, "mercator"), scenes)

    def _cut(self, scene: Scene, tile: Tile, grid: GridChoice) -> TileImage:
        settings = dict(_GDAL)

        def read() -> TileImage:
            try:
                return self._read(scene, tile, grid, settings)
            finally:
                settings.update(_ANEW)

        return persistently(read, lambda error: classify(scene, error), self._breaker)

    def _read(
        self, scene: Scene, tile: Tile, grid: GridChoice, settings: Mapping[str, str]
    ) -> TileImage:
        """Read a tile once, in a slot of the service's quota."""
        import rasterio
        from rasterio.errors import RasterioError

        quota = self._quota(self._route(scene.source).api)
        with quota.slot(), rasterio.Env(**settings):
            begun = time.monotonic()
            try:
                image = self._of_parts(scene, tile, grid)
            except RasterioError as error:
                if http_status(error) == TOO_MANY:
                    quota.refused(begun)
                raise
        quota.succeeded()
        return image

    def _of_parts(self, scene: Scene, tile: Tile, grid: GridChoice) -> TileImage:
        route = self._route(scene.source)
        reading = Reading(
            self._config.bands if len(scene.hrefs) == 1 else (1, 1, 1),
            self._config.scale or route.stretch,
            self._config.nodata,
            self._config.mask,
            self._config.resample,
        )
        parts = [self._part(href, tile, grid, reading, route) for href in scene.hrefs]
        if len(parts) == 1:
            return parts[0]
        if len({part.rgb.shape for part in parts}) > 1:
            raise Gone(f"{scene.scene_id}: its files differ in their grids", Problem.REFUSED)
        rgb = np.dstack([part.rgb[..., 0] for part in parts])
        valid = np.logical_and.reduce([part.valid for part in parts])
        rgb[~valid] = 0
        return TileImage(rgb, valid, grid=parts[0].grid)

    def _part(
        self, href: str, tile: Tile, grid: GridChoice, reading: Reading, route: StacRoute
    ) -> TileImage:
        with self._opened(self._signed(href, route), href) as raster:
            name, count = raster.path.name, raster.data.count
            if max(reading.bands) > count:
                said = f"{name} has {count} bands: set the source's `bands`"
                raise Gone(said, Problem.REFUSED)
            kind = raster.data.dtypes[reading.bands[0] - 1]
            if kind != "uint8" and reading.scale is None:
                said = f"{name} is {kind}, not 8-bit: set the source's `scale`"
                raise Gone(said, Problem.REFUSED)
            return cut_on(grid, raster, tile, reading)

    def _quota(self, api: str) -> Quota:
        with self._lock:
            if api not in self._quotas:
                self._quotas[api] = Quota(api, self._config.at_once, self._config.a_second)
            return self._quotas[api]

    @contextmanager
    def _opened(self, address: str, href: str) -> Iterator[Raster]:
        """Give a file, kept open for the next tile of this thread unless reading it fails."""
        import rasterio

        files: OrderedDict[str, Raster] = self._mine.__dict__.setdefault("files", OrderedDict())
        raster = files.pop(href, None) or _placed(rasterio.open(address), href)
        try:
            yield raster
        except Exception:
            raster.data.close()
            raise
        files[href] = raster
        while len(files) > _OPEN_FILES:
            files.popitem(last=False)[1].data.close()

    def _signed(self, href: str, route: StacRoute) -> str:
        if route.sign is None:
            return href
        with self._lock:
            signer = self._signers.setdefault(route.sign, Signer(route.sign))
            return f"{href}?{signer.token()}"

    def _is_cloudy(self, alias: str) -> bool:
        source = SOURCES.get(alias)
        return source is not None and source.cloud_property is not None

    def _route(self, alias: str) -> StacRoute:
        """Give where the source is: as published, unless the config says otherwise."""
        source, config = SOURCES.get(alias), self._config
        given = {"api": config.api, "collection": config.collection, "assets": config.assets}
        named = {key: value for key, value in given.items() if value is not None}
        base = source.stac if source and config.api is None else None
        fields: dict[str, Any] = (vars(base) if base else {}) | named
        if config.platform is not None:
            fields["platform"] = config.platform
        missing = [key for key in given if key not in fields]
        if missing:
            raise InputError(
                f"sources.{alias}: no public STAC route of it is known; set {', '.join(missing)}."
            )
        return StacRoute(**fields)


def _placed(data: Any, href: str) -> Raster:  # noqa: ANN401 - rasterio's
    try:
        if data.driver not in _DRIVERS:
            said = f"{href} is neither GeoTIFF nor JPEG 2000 but {data.driver}"
            raise Gone(said, Problem.REFUSED)
        return placed(data, href)
    except Exception:
        data.close()
        raise
