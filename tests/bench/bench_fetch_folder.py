"""Tiles a second of the folder backend, against opening and warping with GDAL for every tile.

The imagery is real where it is there (Banepa, 0.149 m, a JPEG COG), else a file of noise.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from skyscript import chance
from skyscript.backends.folder import FolderBackend, FolderSource
from skyscript.geo.tile import Tile, mercator_box, tile_around
from skyscript.imagery.protocol import Scene
from tests.bench.record import record
from tests.conftest import SHARED
from tests.skyscript.imagery.rasters import north_up, write_raster

ROUNDS, TILES, SIDE = 3, 60, 384


@pytest.fixture
def imagery(tmp_path: Path) -> Path:
    real = SHARED / "pairs" / "banepa" / "imagery.tif"
    if real.is_file():
        return real
    samples = np.random.default_rng(0).integers(0, 255, (3, 3000, 3000), np.uint8)
    return write_raster(tmp_path / "noise.tif", samples, tiled=True, compress="deflate")


def tiles_of(scene: Scene, count: int = TILES) -> list[Tile]:
    box = scene.box
    return [
        tile_around(
            chance.between(0, str(number), "x", box.west * 0.8 + box.east * 0.2, box.east),
            chance.between(0, str(number), "y", box.south * 0.8 + box.north * 0.2, box.north),
            SIDE,
            SIDE,
            scene.gsd,
        )
        for number in range(count)
    ]


def warped(path: Path, tile: Tile) -> object:
    box = mercator_box(tile.box)
    pixel = (box.east - box.west) / tile.width, (box.north - box.south) / tile.height
    with (
        rasterio.open(path) as file,
        WarpedVRT(
            file,
            crs="EPSG:3857",
            transform=north_up(box.west, box.north, *pixel),
            width=tile.width,
            height=tile.height,
            resampling=Resampling.bilinear,
        ) as view,
    ):
        return view.read([1, 2, 3]), view.dataset_mask()


def rates(one: Callable[[Tile], object], tiles: list[Tile]) -> Iterator[float]:
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for tile in tiles:
            one(tile)
        yield len(tiles) / (time.perf_counter() - start)


@pytest.mark.bench
def test_folder_backend(imagery: Path) -> None:
    backend = FolderBackend(FolderSource(path=imagery, acquired=2022))
    (scene,) = backend.scenes("ORT")
    tiles = tiles_of(scene)
    nothing = pa.table({})
    ours = max(rates(lambda tile: backend.cut(scene, tile, nothing), tiles))
    theirs = max(rates(lambda tile: warped(imagery, tile), tiles))
    print(
        f"\nfolder backend {ours:.0f} tiles/s, open and warp {theirs:.0f} tiles/s, "
        f"ratio {ours / theirs:.2f} ({SIDE} px, {imagery.name}, one process)"
    )
    what, against = f"`fetch` from a folder, {SIDE} px tiles", "rasterio: open, WarpedVRT, read"
    record("fetch_folder", what=what, against=against, ratio=ours / theirs)
