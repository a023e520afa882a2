"""The backend ``folder``: georeferenced rasters on disk, in any CRS, read as they are."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
import shapely
from pydantic import Field, field_validator

from pipeline.addresses import BUCKET
from pipeline.atomic import content_id, write_bytes
from pipeline.child import preload
from pipeline.errors import InputError
from pipeline.inputs import local_input
from pipeline.stage import ConfigFile, ConfigPlace
from skyscript.backends.folder_files import content, content_of, files, folder_of, judge
from skyscript.backends.service.shared_folder import remembered_file
from skyscript.geo.tile import Box, Tile
from skyscript.imagery import source_config as fields
from skyscript.imagery.acquisition_time import (
    Acquired,
    NamePattern,
    from_file,
    from_name,
    parse,
    times_in,
)
from skyscript.imagery.colours import NotColours, Reading, colours_of
from skyscript.imagery.gdal import forget_errors, gdal_errors
from skyscript.imagery.grid import GridChoice
from skyscript.imagery.mosaic import compose
from skyscript.imagery.opening import open_in_child
from skyscript.imagery.protocol import Problem, Scene, TileImage, TryLater
from skyscript.imagery.raster import Raster, footprint, ground_gsd, open_raster, two_digits
from skyscript.imagery.warp import cut_on

_SERVER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
log = logging.getLogger(__name__)


class FolderSource(fields.SourceConfig):
    """A folder of georeferenced rasters, or one file."""

    backend: Literal["folder"] = Field(
        "folder",
        description="Read georeferenced rasters from disk: GeoTIFF, COG, JPEG 2000, VRT and "
        "others.",
    )
    path: ConfigPlace = Field(
        description="Read this folder, or this one file. Those in a bucket (s3://, gs://, az://) "
        "are copied to this machine once.",
        json_schema_extra=fields.CHOICE,
    )
    pattern: tuple[str, ...] = Field(
        ("*.tif", "*.tiff", "*.jp2", "*.vrt"),
        description="Read the files of the folder whose names match. Upper and lower case are the "
        "same.",
        json_schema_extra=fields.CHOICE,
    )
    recursive: bool = Field(
        True,
        description="Also read the folders within the folder.",
        json_schema_extra=fields.CHOICE,
    )
    bands: fields.Bands = None
    scale: fields.Scale = None
    offset: fields.Offset = None
    nodata: fields.Nodata = None
    mask: fields.Mask = "file"
    resample: fields.Resample = "bilinear"
    grid: fields.Grid = "mercator"
    gsd: fields.Gsd = Field(
        None,
        description="State the ground size of a pixel, in metres. By default, it is measured at "
        "the centre of each image, to two significant digits.",
    )
    acquired: Acquired | None = Field(
        None,
        description="State when the images were taken (UTC): 2019, 2019-07-14 or "
        "2019-07-14T10:30. By default, each file must contain it (TIFFTAG_DATETIME).",
        json_schema_extra=fields.CHOICE,
    )

    acquired_name: NamePattern = Field(
        None,
        description="Read the time in the files' names by this pattern, for example %Y%m%d or "
        "_%Y_; the time may be anywhere in the name.",
        json_schema_extra=fields.CHOICE,
    )
    acquired_table: ConfigFile | None = Field(
        None,
        description="Read the time of each file in this CSV, with the columns `file` (its path in "
        "the folder) and `acquired`.",
        json_schema_extra=fields.CHOICE,
    )
    crs: str | None = Field(
        None,
        description="Take this as the CRS of every file, for example EPSG:25832. By default, it is "
        "the file's own, or that of a .prj file beside it.",
    )

    @field_validator("path", mode="before")
    @classmethod
    def _on_this_machine(cls, value: object) -> object:
        text = str(value)
        if _SERVER.match(text) and not BUCKET.fullmatch(text):
            raise ValueError(
                f"{value} is on a server, and `folder` reads files of this machine or of a bucket: "
                "copy them, or search their catalogue with `backend: stac`"
            )
        return value

    @field_validator("pattern", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class FolderBackend:
    """Cuts tiles out of the files of a folder."""

    def __init__(self, config: FolderSource) -> None:
        self._config = config
        self._root = folder_of(config)
        self._reading = Reading(
            config.bands, config.scale, config.nodata, config.mask, config.resample, config.offset
        )

        table = config.acquired_table
        self._times = times_in(local_input(table)) if table else {}
        self._listed: dict[str, list[Scene]] = {}

    def scenes(self, alias: str) -> Sequence[Scene]:
        """Give a scene for each file; names those that are unusable, and goes on past them.

        Unchanged files are opened once: two stages of a run list them. Raises `InputError` if no
        file is usable.
        """
        self._root = folder_of(self._config)  # another one if objects of a bucket have changed
        key = f"{alias} {content(self._config)}"
        if key not in self._listed:
            self._listed = {key: self._list(alias)}
        return self._listed[key]

    def _list(self, alias: str) -> list[Scene]:
        found, faults = self._open(alias)
        judge(alias, faults, len(found) + len(faults))
        return found

    def check(self, alias: str) -> None:
        """Look into the head of each file: names the unusable ones, as `scenes` does.

        What was found is remembered for as long as neither the files nor the config change.
        """
        config = self._config
        key = json.dumps([alias, str(config.path.absolute()), config.identity(), content(config)])
        memory = remembered_file(content_id(key.encode()))
        count = len(files(config))
        try:
            faults = json.loads(memory.read_bytes())
        except (OSError, ValueError):
            log.info("%s: looking into the heads of %d files", alias, count)
            _, faults = self._open(alias)
            write_bytes(memory, json.dumps(faults).encode())
        judge(alias, faults, count)

    def _open(self, alias: str) -> tuple[list[Scene], list[str]]:
        """Give a scene for each usable file, and the faults of the others."""
        self._root = folder_of(self._config)
        preload(__name__, "rasterio")
        return open_in_child(partial(self.scene, alias), files(self._config))

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:  # noqa: ARG002
        """Cut the tile out of the scene's file; raises `TryLater` if the file cannot be read."""
        return self._cut(scene, tile, self._config.grid)

    def mosaic(self, scenes: Sequence[Scene], tile: Tile) -> TileImage:
        """Cut the tile out of several files, the first one on top; has the errors of `cut`."""
        return compose(lambda scene: self._cut(scene, tile, "mercator"), scenes)

    def _cut(self, scene: Scene, tile: Tile, grid: GridChoice) -> TileImage:
        unreadable: tuple[type[Exception], ...] = (InputError, *gdal_errors())
        try:
            return cut_on(
                grid, open_raster(self._root / scene.name, self._config.crs), tile, self._reading
            )
        except unreadable as error:
            raise TryLater(f"{scene.scene_id} cannot be read", Problem.UNREADABLE) from error

    def scene(self, alias: str, path: Path) -> Scene:
        """Give the scene of a file; raises `InputError` if it is unusable."""
        raster = open_raster(path, self._config.crs)
        self._check_end(raster, self._bands(alias, raster))
        outline = footprint(raster)
        acquired, precision = self._acquired(alias, raster)
        name = path.relative_to(self._root).as_posix()
        return Scene(
            scene_id=f"{alias}/{name}",
            source=alias,
            backend="folder",
            name=name,
            geometry=shapely.to_wkb(outline),
            box=Box(*shapely.bounds(outline).tolist()),
            gsd=self._config.gsd or two_digits(ground_gsd(raster)),
            acquired=acquired,
            time_precision=precision,
            weight=self._config.weight,
            content=content_of(path),
        )

    def _bands(self, alias: str, raster: Raster) -> tuple[int, int, int]:
        """Give the bands that colours are read from; raises `InputError` if there are none."""
        try:
            return colours_of(raster.data, self._reading).bands
        except NotColours as error:
            help_ = error.setting and f"; set sources.{alias}.{error.setting} {error.remedy}"
            raise InputError(f"{raster.path}: {error}{help_}.") from error

    def _check_end(self, raster: Raster, bands: Sequence[int]) -> None:
        """Read the last pixel: a file that was truncated in a download lacks it."""
        from rasterio.windows import Window

        last = Window(raster.data.width - 1, raster.data.height - 1, 1, 1)
        try:
            raster.data.read(bands, window=last)
        except gdal_errors() as error:
            forget_errors(raster.data)
            raise InputError(
                f"{raster.path}: its last pixel cannot be read, so the file is broken or cut off; "
                "get it again."
            ) from error

    def _acquired(self, alias: str, raster: Raster) -> tuple[datetime, str]:
        config, path = self._config, raster.path
        if config.acquired is not None:
            return parse(config.acquired)
        try:
            found = self._times.get(path.relative_to(self._root).as_posix())
            if found is None and config.acquired_name is not None:
                found = from_name(path.name, config.acquired_name)
            if found is None:
                tags = {**raster.data.tags(), **raster.data.tags(ns="IMAGERY")}
                found = from_file(tags)
        except ValueError as error:
            raise InputError(f"{path}: {error}; set sources.{alias}.acquired.") from error
        if found is None:
            raise InputError(
                f"{path}: does not say when it was taken; set sources.{alias}.acquired to a year "
                "or a date, acquired_name to a pattern of the files' names (%Y%m%d), or "
                "acquired_table to a CSV of file and acquired."
            )
        return found
