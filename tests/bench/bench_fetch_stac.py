"""Tiles a second of the STAC backend, against a plain rasterio loop, on disk and over the network.

The network is a range-request server in a process of its own that takes 30 ms for every answer.
The imagery is real where it is there (Banepa, a JPEG COG), else a file of noise.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import rasterio
from shapely.geometry import box, mapping

from skyscript.backends.folder import FolderBackend, FolderSource
from skyscript.backends.stac.config import StacSource
from skyscript.backends.stac.source import StacBackend
from skyscript.geo.tile import Box, Tile
from skyscript.imagery.protocol import Scene
from tests.bench.bench_fetch_folder import tiles_of, warped
from tests.bench.record import record
from tests.conftest import SHARED
from tests.emulators.faults import Faults
from tests.emulators.stac import StacArchive, item
from tests.skyscript.imagery.rasters import write_raster

LATENCY, ROUNDS, AT_ONCE = 0.03, 2, 16
NOTHING = pa.table({})


def serve(pipe: Connection, folder: Path) -> None:
    footprint = mapping(box(*pipe.recv()))
    items = [item("image", "", footprint)]
    with StacArchive({"images": items}, folder, Faults(latency=LATENCY)) as archive:
        items[0]["assets"]["visual"]["href"] = f"{archive.url}/files/image.tif"
        pipe.send(archive.url)
        while pipe.recv() == "requests":
            pipe.send(sum(archive.desk.count("file").values()))


@contextmanager
def archive(folder: Path, footprint: Box) -> Iterator[tuple[str, Callable[[], int]]]:
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(there, folder))
    process.start()
    here.send(tuple(footprint))

    def requests() -> int:
        here.send("requests")
        count: int = here.recv()
        return count

    try:
        yield here.recv(), requests
    finally:
        here.send("end")
        process.join()


def rate(one: Callable[[Tile], object], tiles: list[Tile], at_once: int) -> float:
    best = 0.0
    with ThreadPoolExecutor(at_once) as pool:
        for _ in range(ROUNDS):
            start = time.perf_counter()
            list(pool.map(one, tiles))
            best = max(best, len(tiles) / (time.perf_counter() - start))
    return best


@pytest.mark.bench
def test_stac_backend(tmp_path: Path) -> None:
    path, real = tmp_path / "image.tif", SHARED / "pairs" / "banepa" / "imagery.tif"
    if real.is_file():
        shutil.copyfile(real, path)
    else:
        samples = np.random.default_rng(0).integers(0, 255, (3, 3000, 3000), np.uint8)
        write_raster(path, samples, tiled=True, compress="deflate")
    folder = FolderBackend(FolderSource(path=path, acquired=2022))
    (local,) = folder.scenes("ORT")
    tiles = tiles_of(local)

    def plain(address: str) -> Callable[[Tile], object]:
        return lambda tile: warped(address, tile)  # type: ignore[arg-type]

    print()
    with archive(tmp_path, local.box) as (url, requests):
        config = StacSource(
            api=url, collection="images", assets=("visual",), gsd=local.gsd, at_once=AT_ONCE
        )
        backend = StacBackend(config)
        (scene,) = backend.search("ORT", [local.box])
        ours = rate(lambda tile: backend.cut(scene, tile, NOTHING), tiles, AT_ONCE)
        mine = requests() / len(tiles) / ROUNDS
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", VSI_CACHE="FALSE"):
            theirs = rate(plain(scene.hrefs[0]), tiles, 1)
        other = requests() / len(tiles) / ROUNDS - mine
    print(
        f"by ranges, {LATENCY * 1000:.0f} ms: stac backend {ours:.1f} tiles/s "
        f"({mine:.1f} requests a tile, {AT_ONCE} at once), plain loop {theirs:.1f} tiles/s "
        f"({other:.1f} requests a tile), ratio {ours / theirs:.1f}"
    )
    what = f"`fetch` by HTTP ranges, {LATENCY * 1000:.0f} ms an answer"
    record("fetch_ranges", what=what, against="the same in a plain loop", ratio=ours / theirs)
    on_disk = Scene(**{**vars(scene), "hrefs": (str(path),)})
    ours = rate(lambda tile: backend.cut(on_disk, tile, NOTHING), tiles, AT_ONCE)
    files = rate(lambda tile: folder.cut(local, tile, NOTHING), tiles, 1)
    theirs = rate(plain(str(path)), tiles, 1)
    print(
        f"on disk: stac backend {ours:.1f} tiles/s, folder backend {files:.1f}, "
        f"plain loop {theirs:.1f}, ratio {ours / theirs:.1f} and {files / theirs:.1f}"
    )
