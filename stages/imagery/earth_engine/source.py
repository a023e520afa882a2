"""The backend ``earth_engine``: the published sources and their like, by the official client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
from pydantic import Field, field_validator

from image_sources import SOURCES
from pipeline.stage import EXECUTION, ConfigPath
from stages.geometry import Box, Tile
from stages.imagery.backend import Scene, SourceConfig, TileImage
from stages.imagery.earth_engine.account import HIGH_VOLUME, Account, Connection, connect
from stages.imagery.earth_engine.calls import persistently
from stages.imagery.earth_engine.pixels import decode, tile_request
from stages.imagery.earth_engine.search import NO_END, Wanted, search
from stages.imagery.places import covered


class EarthEngineSource(SourceConfig):
    """A source of the Earth Engine catalogue, by its alias in `image_sources`."""

    backend: Literal["earth_engine"] = Field(
        "earth_engine", description="Google Earth Engine; needs an account and a project."
    )
    project: str = Field(
        min_length=1,
        description="A Google Cloud project that is registered for Earth Engine.",
        json_schema_extra=EXECUTION,
    )
    service_account: ConfigPath | None = Field(
        None,
        description="The key file of a service account; without it the account of `earthengine "
        "authenticate` or the application-default one counts.",
        json_schema_extra=EXECUTION,
    )
    endpoint: str = Field(
        HIGH_VOLUME, description="The service's address.", json_schema_extra=EXECUTION
    )
    at_once: int = Field(
        40,
        ge=1,
        le=1000,
        description="Requests at the same time, at most: the project's quota, 40 unless raised.",
        json_schema_extra=EXECUTION,
    )
    a_second: float = Field(
        95,
        gt=0,
        description="Requests a second, at most; the project's quota is 100 unless raised.",
        json_schema_extra=EXECUTION,
    )
    longest_answer: float = Field(
        330,
        gt=0,
        description="Seconds after which an answer is given up; the service itself takes up to "
        "five minutes.",
        json_schema_extra=EXECUTION,
    )
    years: tuple[int, int] | None = Field(
        None, description="The first and the last year; without it all that the source has."
    )
    max_cloud: float = Field(
        10,
        gt=0,
        le=100,
        description="Percent of an image under cloud, below which it counts; only for satellites.",
    )
    per_place: int = Field(
        4,
        ge=1,
        le=50,
        description="Images kept of each place of an archive (S2, L8, L9), the clearest first.",
    )

    @field_validator("years")
    @classmethod
    def _ascend(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value is not None and value[0] > value[1]:
            raise ValueError("the first of `years` must not be after the second")
        return value

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
        wanted = Wanted(
            alias,
            source,
            self._config.years or (first, last or NO_END),
            self._config.max_cloud,
            self._config.per_place,
            self._config.weight,
        )
        return search(self._connection(), wanted, near)

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:  # noqa: ARG002
        """Give the tile's pixels; raises `Gone` or `NotNow`, and `InputError` with no account."""
        connection = self._connection()
        request = {"assetId": scene.name, **tile_request(tile, SOURCES[scene.source])}
        return persistently(
            lambda: decode(connection.ee.data.getPixels(request), tile), connection.breaker
        )

    def mosaic(self, scenes: Sequence[Scene], tile: Tile) -> TileImage:
        """Let the service put the tile together: one request, which computes; raises as `cut`."""
        connection = self._connection()
        ee, source = connection.ee, SOURCES[scenes[0].source]
        # The last image of a collection comes to lie on top.
        images = [ee.Image(scene.name) for scene in reversed(scenes)]
        expression = ee.ImageCollection(images).mosaic()
        request = {"expression": expression, **tile_request(tile, source)}
        return persistently(
            lambda: decode(ee.data.computePixels(request), tile), connection.breaker
        )

    def _connection(self) -> Connection:
        return connect(self._config.account())
