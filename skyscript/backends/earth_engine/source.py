"""The backend ``earth_engine``: the published sources, by the official client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from image_sources import SOURCES
from skyscript.backends.earth_engine.account import Account, Connection, connect
from skyscript.backends.earth_engine.pixels import cloud_request, cloud_share, decode, tile_request
from skyscript.backends.earth_engine.search import AssetQuery, search
from skyscript.geo.tile import Box, Tile
from skyscript.imagery import source_config as fields
from skyscript.imagery.grid import PixelGrid, mercator_grid, native_grid
from skyscript.imagery.places import places_within
from skyscript.imagery.protocol import NeverAvailable, Problem, Scene, TileImage, TooCloudy
from skyscript.imagery.scene_query import years_of


class EarthEngineSource(Account, fields.SourceConfig):
    """A source of the Earth Engine catalogue, by its alias in `image_sources`."""

    backend: Literal["earth_engine"] = Field(
        "earth_engine", description="Use Google Earth Engine. It needs an account and a project."
    )
    years: fields.Years = None
    max_cloud: fields.MaxCloud = 10
    per_place: fields.PerPlace = Field(4, le=50)
    max_tile_cloud: float | None = Field(
        None,
        ge=0,
        lt=100,
        description="Accept a tile of S2, L8 or L9 if at most this percentage of it is cloud. "
        "Otherwise the next image is tried. This costs a second, small request for each tile. By "
        "default, only whole images are judged, by `max_cloud`.",
    )
    resample: fields.Resample = Field(
        "nearest",
        description="Interpolate between pixels in this way. With anything but `nearest`, the "
        "service computes each tile, which costs more of its quota.",
    )
    grid: fields.Grid = "mercator"

    def account(self) -> Account:
        """Return the account settings. All Earth Engine sources of a run share one account."""
        return Account.model_validate({name: getattr(self, name) for name in Account.model_fields})


class EarthEngineBackend:
    """Finds images in the catalogue and gets tiles of them, one request each."""

    def __init__(self, config: EarthEngineSource) -> None:
        self._config = config
        # Twice the slots: a thread that waits for a retry holds none.
        self.at_once = 2 * config.at_once

    def connect(self) -> None:
        """Sign in; raises `InputError` if that is not possible."""
        self._connection()

    def search(self, alias: str, places: Sequence[Box]) -> Sequence[Scene]:
        """Give the scenes that show a part of a place; raises `InputError` if the search fails."""
        source = SOURCES[alias]
        near = places_within(places, Box(*source.coverage))
        if not near:
            return []
        wanted = AssetQuery(
            alias=alias,
            years=years_of(self._config.years, source),
            max_cloud=self._config.max_cloud,
            per_place=self._config.per_place,
            weight=self._config.weight,
            source=source,
            is_native=self._config.grid == "native",
        )
        return search(self._connection(), wanted, near)

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:  # noqa: ARG002
        """Give the tile's pixels, or raise `ImageryError`; `InputError` without an account."""
        grid = self._grid(scene, tile)
        image = self._pixels([scene], grid or mercator_grid(tile))
        self._check_clouds(scene, image, grid or mercator_grid(tile))
        return replace(image, grid=grid)

    def mosaic(self, scenes: Sequence[Scene], tile: Tile) -> TileImage:
        """Give the tile made of several images, in one request; has the errors of `cut`."""
        return self._pixels(scenes, mercator_grid(tile))

    def _pixels(self, scenes: Sequence[Scene], grid: PixelGrid) -> TileImage:
        """Request stored pixels if these are enough, else computed ones."""
        connection = self._connection()
        data, request = connection.ee.data, tile_request(grid, SOURCES[scenes[0].source])
        if len(scenes) == 1 and self._config.resample == "nearest":
            stored = {"assetId": scenes[0].name, **request}
            return connection.retry(lambda: decode(data.getPixels(stored), grid))
        computed = {"expression": self._expression(connection.ee, scenes), **request}
        return connection.retry(lambda: decode(data.computePixels(computed), grid))

    def _expression(self, ee: Any, scenes: Sequence[Scene]) -> Any:  # noqa: ANN401 - the client's
        images = [ee.Image(scene.name) for scene in scenes]
        if self._config.resample != "nearest":
            mode = "bicubic" if self._config.resample == "cubic" else "bilinear"
            images = [image.resample(mode) for image in images]
        if len(images) == 1:
            return images[0]
        # The last image of a collection lies on top.
        return ee.ImageCollection(images[::-1]).mosaic()

    def _grid(self, scene: Scene, tile: Tile) -> PixelGrid | None:
        """Give the image's own grid, if the config asks for it; raises `NeverAvailable`."""
        if self._config.grid == "mercator":
            return None
        if scene.crs is None or scene.transform is None:
            raise NeverAvailable(
                f"{scene.scene_id} does not say which grid is its own", Problem.REFUSED
            )
        a, b, c, d, e, f = scene.transform
        return native_grid(tile, scene.crs, (a, b, c, d, e, f))

    def _check_clouds(self, scene: Scene, image: TileImage, grid: PixelGrid) -> None:
        """Raise `TooCloudy` if clouds cover more of the tile than the config allows."""
        limit, clouds = self._config.max_tile_cloud, SOURCES[scene.source].clouds
        if limit is None or clouds is None or not image.valid.any():
            return
        connection = self._connection()
        request = {"assetId": scene.name, **cloud_request(grid, clouds)}
        share = connection.retry(lambda: cloud_share(connection.ee.data.getPixels(request), clouds))
        if 100 * share > limit:
            raise TooCloudy(f"clouds over more than {limit:g} % of the tile")

    def _connection(self) -> Connection:
        return connect(self._config.account())
