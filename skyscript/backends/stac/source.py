"""The backend ``stac``: public archives of cloud-optimised GeoTIFFs, without an account."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa

from image_sources import SOURCES, ImageSource, StacRoute
from skyscript.backends.service.circuit_breaker import Breaker
from skyscript.backends.service.quota import Quota
from skyscript.backends.service.retry import TOO_MANY, retry
from skyscript.backends.stac.config import StacSource, find_route
from skyscript.backends.stac.errors import FORBIDDEN, classify, http_status
from skyscript.backends.stac.query import StacQuery
from skyscript.backends.stac.remote_file import ANEW, GDAL, open_remote
from skyscript.backends.stac.search import search
from skyscript.backends.stac.token import Signer, signed
from skyscript.geo.tile import Box, Tile
from skyscript.imagery.colours import NotColours, Reading
from skyscript.imagery.gdal import gdal_errors
from skyscript.imagery.grid import GridChoice
from skyscript.imagery.mosaic import compose
from skyscript.imagery.places import places_within
from skyscript.imagery.protocol import NeverAvailable, Problem, Scene, TileImage
from skyscript.imagery.raster import Raster
from skyscript.imagery.scene_query import NO_END, OLDEST
from skyscript.imagery.warp import cut_on

_PER_PLACE = 4
"""Images of each place of a satellite archive."""
_OPEN_FILES = 4
"""How many files each thread keeps open."""


class StacBackend:
    """Finds items and reads windows of their files."""

    def __init__(self, config: StacSource) -> None:
        self._config = config
        # Twice the slots: a thread that waits for a retry holds none.
        self.at_once = 2 * config.at_once
        self._of_thread = threading.local()
        self._signers: dict[str, Signer] = {}
        self._quotas: dict[str, Quota] = {}
        self._lock = threading.Lock()
        self._breaker = Breaker()

    def connect(self) -> None:
        """Do nothing: files are read without an account."""

    def search(self, alias: str, places: Sequence[Box]) -> Sequence[Scene]:
        """Give the scenes that show a part of a place; raises `InputError` if the search fails."""
        source, config = SOURCES.get(alias), self._config
        if source is not None:
            places = places_within(places, Box(*source.coverage))
        if not places:
            return []
        route = find_route(config, alias)
        is_satellite = source is not None and source.cloud_property is not None
        wanted = StacQuery(
            alias=alias,
            years=config.years or _years(route, source),
            max_cloud=config.max_cloud,
            per_place=config.per_place or (_PER_PLACE if is_satellite else None),
            weight=config.weight,
            route=route,
            gsd=config.gsd,
            source_gsd=source.gsd if source else None,
            bands=config.bands,
            time_precision=source.time_precision if source else "minute",
            licences=config.licences,
        )
        return search(wanted, places)

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:  # noqa: ARG002
        """Give the tile's pixels; raises `NeverAvailable` or `TryLater`."""
        return self._cut(scene, tile, self._config.grid)

    def mosaic(self, scenes: Sequence[Scene], tile: Tile) -> TileImage:
        """Give the tile's pixels out of several scenes' files; has the errors of `cut`."""
        return compose(lambda scene: self._cut(scene, tile, "mercator"), scenes)

    def _cut(self, scene: Scene, tile: Tile, grid: GridChoice) -> TileImage:
        settings = dict(GDAL)
        is_signed = self._signer(scene) is not None

        def read() -> TileImage:
            begun = time.monotonic()
            try:
                return self._read(scene, tile, grid, settings)
            except gdal_errors() as error:
                if http_status(error) in FORBIDDEN and (signer := self._signer(scene)):
                    signer.expire(begun)
                raise
            finally:
                settings.update(ANEW)

        return retry(read, lambda error: classify(scene, error, is_signed=is_signed), self._breaker)

    def _read(
        self, scene: Scene, tile: Tile, grid: GridChoice, settings: Mapping[str, str]
    ) -> TileImage:
        """Read a tile once, in a slot of the service's quota."""
        import rasterio

        quota = self._quota(find_route(self._config, scene.source).address)
        with quota.slot(), rasterio.Env(**settings):
            begun = time.monotonic()
            try:
                image = self._read_assets(scene, tile, grid)
            except gdal_errors() as error:
                if http_status(error) == TOO_MANY:
                    quota.refused(begun)
                raise
        quota.succeeded()
        return image

    def _read_assets(self, scene: Scene, tile: Tile, grid: GridChoice) -> TileImage:
        route = find_route(self._config, scene.source)
        readings = self._readings(scene, route)
        parts = [
            self._read_asset(href, tile, grid, reading, scene)
            for href, reading in zip(scene.hrefs, readings, strict=True)
        ]
        if len(parts) == 1:
            return parts[0]
        if len({part.rgb.shape for part in parts}) > 1:
            raise NeverAvailable(
                f"{scene.scene_id}: its files differ in their grids", Problem.REFUSED
            )
        rgb = np.dstack([part.rgb[..., 0] for part in parts])
        valid = np.logical_and.reduce([part.valid for part in parts])
        rgb[~valid] = 0
        return TileImage(rgb, valid, grid=parts[0].grid)

    def _readings(self, scene: Scene, route: StacRoute) -> list[Reading]:
        """Say how the scene's files become colours: all three of one file, or one of each."""
        config = self._config
        # A published stretch counts samples as they are stored.
        stated = 0.0 if config.scale is None and route.stretch is not None else scene.offsets
        common = Reading(
            config.bands or scene.bands,
            config.scale or route.stretch,
            config.nodata,
            config.mask,
            config.resample,
            stated if config.offset is None else config.offset,
            fallback_nodata=scene.nodata,
        )
        if len(scene.hrefs) == 1:
            return [common]
        offsets = common.offset if isinstance(common.offset, tuple) else [common.offset] * 3
        return [replace(common, bands=(1, 1, 1), offset=offset) for offset in offsets]

    def _read_asset(
        self, href: str, tile: Tile, grid: GridChoice, reading: Reading, scene: Scene
    ) -> TileImage:
        with self._open(self._sign(href, scene), href) as raster:
            try:
                return cut_on(grid, raster, tile, reading)
            except NotColours as error:
                help_ = error.setting and f": set the source's `{error.setting}` {error.remedy}"
                why = f"{raster.path.name}: {error}{help_}"
                raise NeverAvailable(why, Problem.REFUSED) from error

    def _quota(self, address: str) -> Quota:
        with self._lock:
            if address not in self._quotas:
                config = self._config
                self._quotas[address] = Quota(address, config.at_once, config.a_second)
            return self._quotas[address]

    @contextmanager
    def _open(self, address: str, href: str) -> Iterator[Raster]:
        """Open a file; it stays open for the next tile of this thread, unless reading it fails."""
        files: OrderedDict[str, Raster] = self._of_thread.__dict__.setdefault(
            "files", OrderedDict()
        )
        raster = files.pop(href, None) or open_remote(address, href)
        try:
            yield raster
        except Exception:
            raster.data.close()
            raise
        files[href] = raster
        while len(files) > _OPEN_FILES:
            files.popitem(last=False)[1].data.close()

    def _sign(self, href: str, scene: Scene) -> str:
        signer = self._signer(scene)
        return href if signer is None else signed(href, signer.token())

    def _signer(self, scene: Scene) -> Signer | None:
        """Give what signs the files of a scene's collection; None if they are open."""
        address = find_route(self._config, scene.source).sign
        if address is None:
            return None
        with self._lock:
            return self._signers.setdefault(address, Signer(address))


def _years(route: StacRoute, source: ImageSource | None) -> tuple[int, int]:
    """Give the years to search: those of the archive, which may go on where another copy ends."""
    first, last = route.years or ((source.years[0] if source else OLDEST), None)
    return first, last or NO_END
