"""The backend ``earth_engine``: the published sources and their like, by the official client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from image_sources import SOURCES
from pipeline.stage import EXECUTION, ConfigPath
from skyscript.backends.earth_engine.account import HIGH_VOLUME, Account, Connection, connect
from skyscript.backends.earth_engine.calls import persistently
from skyscript.backends.earth_engine.pixels import cloud_request, cloud_share, decode, tile_request
from skyscript.backends.earth_engine.search import NO_END, AssetQuery, search
from skyscript.geo.tile import Box, Tile
from skyscript.imagery.grid import GRID_HELP, GridChoice, PixelGrid, mercator_grid, native_grid
from skyscript.imagery.places import covered
from skyscript.imagery.protocol import (
    CHOICE,
    Gone,
    Problem,
    Scene,
    SourceConfig,
    TileImage,
    Unfit,
    Years,
)
from skyscript.imagery.warp import Resample


class EarthEngineSource(SourceConfig):
    """A source of the Earth Engine catalogue, by its alias in `image_sources`."""

    backend: Literal["earth_engine"] = Field(
        "earth_engine", description="Use Google Earth Engine. It needs an account and a project."
    )
    project: str = Field(
        min_length=1,
        description="Name a Google Cloud project that is registered for Earth Engine.",
        json_schema_extra=EXECUTION,
    )
    service_account: ConfigPath | None = Field(
        None,
        description="Log in with this key file of a service account. By default, the account of "
        "`earthengine authenticate` or the application-default account is used.",
        json_schema_extra=EXECUTION,
    )
    endpoint: str = Field(
        HIGH_VOLUME,
        description="Send requests to this address of the service.",
        json_schema_extra=EXECUTION,
    )
    at_once: int = Field(
        40,
        ge=1,
        le=1000,
        description="Send at most this many requests at the same time. The quota of a project is "
        "40 unless it was raised.",
        json_schema_extra=EXECUTION,
    )
    a_second: float = Field(
        95,
        gt=0,
        description="Send at most this many requests a second. The quota of a project is 100 "
        "unless it was raised.",
        json_schema_extra=EXECUTION,
    )
    longest_answer: float = Field(
        330,
        gt=0,
        description="Give up on an answer after this many seconds. The service itself may take "
        "five minutes.",
        json_schema_extra=EXECUTION,
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
        description="Use a satellite image only if less than this percentage of it is cloud.",
        json_schema_extra=CHOICE,
    )
    per_place: int = Field(
        4,
        ge=1,
        le=50,
        description="Keep this many images of each place of a satellite archive (S2, L8, L9), the "
        "clearest first.",
        json_schema_extra=CHOICE,
    )
    max_tile_cloud: float | None = Field(
        None,
        ge=0,
        lt=100,
        description="Accept a tile of S2, L8 or L9 if at most this percentage of it is cloud. "
        "Otherwise the next image is tried. This costs a second, small request for each tile. By "
        "default, only whole images are judged, by `max_cloud`.",
    )
    resample: Resample = Field(
        "nearest",
        description="Interpolate between pixels in this way. With anything but `nearest`, the "
        "service computes each tile, which costs more of its quota.",
    )
    grid: GridChoice = Field("mercator", description=GRID_HELP)

    def account(self) -> Account:
        """Give what a connection is made with: one for all Earth Engine sources of a run."""
        return Account(
            self.project,
            self.service_account,
            self.endpoint.rstrip("/"),
            self.at_once,
            self.a_second,
            self.longest_answer,
        )


class EarthEngineBackend:
    """Finds images in the catalogue and gets tiles of them, one request each."""

    def __init__(self, config: EarthEngineSource) -> None:
        self._config = config
        # Twice the slots: who waits before a retry holds none.
        self.at_once = 2 * config.at_once

    def search(self, alias: str, places: Sequence[Box]) -> Sequence[Scene]:
        """Give the scenes that show a part of a place; raises `InputError` where it cannot ask."""
        source = SOURCES[alias]
        near = covered(places, Box(*source.coverage))
        if not near:
            return []
        first, last = source.years
        wanted = AssetQuery(
            alias=alias,
            source=source,
            years=self._config.years or (first, last or NO_END),
            max_cloud=self._config.max_cloud,
            per_place=self._config.per_place,
            weight=self._config.weight,
            is_native=self._config.grid == "native",
        )
        return search(self._connection(), wanted, near)

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:  # noqa: ARG002
        """Give the tile's pixels; raises `Gone` or `NotNow`, and `InputError` with no account."""
        grid = self._grid(scene, tile)
        image = self._pixels([scene], grid or mercator_grid(tile))
        self._check_clouds(scene, image, grid or mercator_grid(tile))
        return replace(image, grid=grid)

    def mosaic(self, scenes: Sequence[Scene], tile: Tile) -> TileImage:
        """Let the service put the tile together: one request, which computes; raises as `cut`."""
        return self._pixels(scenes, mercator_grid(tile))

    def _pixels(self, scenes: Sequence[Scene], grid: PixelGrid) -> TileImage:
        """Ask for stored pixels where they serve as they are, else for computed ones."""
        connection = self._connection()
        data, request = connection.ee.data, tile_request(grid, SOURCES[scenes[0].source])
        if len(scenes) == 1 and self._config.resample == "nearest":
            stored = {"assetId": scenes[0].name, **request}
            return persistently(lambda: decode(data.getPixels(stored), grid), connection.breaker)
        computed = {"expression": self._expression(connection.ee, scenes), **request}
        return persistently(lambda: decode(data.computePixels(computed), grid), connection.breaker)

    def _expression(self, ee: Any, scenes: Sequence[Scene]) -> Any:  # noqa: ANN401 - the client's
        images = [ee.Image(scene.name) for scene in scenes]
        if self._config.resample != "nearest":
            mode = "bicubic" if self._config.resample == "cubic" else "bilinear"
            images = [image.resample(mode) for image in images]
        if len(images) == 1:
            return images[0]
        # The last image of a collection comes to lie on top.
        return ee.ImageCollection(images[::-1]).mosaic()

    def _grid(self, scene: Scene, tile: Tile) -> PixelGrid | None:
        """Give the grid that is not the tile's own; raises `Gone` where an image has none."""
        if self._config.grid == "mercator":
            return None
        if scene.crs is None or scene.transform is None:
            raise Gone(f"{scene.scene_id} does not say which grid is its own", Problem.REFUSED)
        a, b, c, d, e, f = scene.transform
        return native_grid(tile, scene.crs, (a, b, c, d, e, f))

    def _check_clouds(self, scene: Scene, image: TileImage, grid: PixelGrid) -> None:
        """Ask how much of a tile is cloud, where that matters; raises `Unfit` if too much."""
        limit, clouds = self._config.max_tile_cloud, SOURCES[scene.source].clouds
        if limit is None or clouds is None or not image.valid.any():
            return
        connection = self._connection()
        request = {"assetId": scene.name, **cloud_request(grid, clouds)}
        share = persistently(
            lambda: cloud_share(connection.ee.data.getPixels(request), clouds), connection.breaker
        )
        if 100 * share > limit:
            raise Unfit(f"clouds over more than {limit:g} % of the tile")

    def _connection(self) -> Connection:
        return connect(self._config.account())
