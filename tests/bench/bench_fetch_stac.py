"""Tiles a second of the STAC backend, against its peers, on disk and over the network.

The network is a range-request server in a process of its own that takes 30 ms for every answer.
The imagery is real where it is there (Banepa, a JPEG COG), else a file of noise. Each reader reads
files of its own in each round, so that none finds ranges in a cache that another one has filled.

Each reader may have 6 or 16 tiles under way, and its better rate counts: on two processors, 16
threads that decode stand in each other's way. rio-tiler opens the file for each tile, as its
readers are used; async-geotiff (no GDAL) opens it once, and only reads the window of the file: it
neither resamples, nor reads overviews, nor says what is valid. CPU is that of this process; on a
busy machine it tells more than tiles a second.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
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
from skyscript.backends.stac.remote_file import GDAL
from skyscript.backends.stac.source import StacBackend
from skyscript.geo.tile import Box, Tile, mercator_box
from skyscript.imagery.protocol import Scene
from tests.bench.bench_fetch_folder import SIDE, tiles_of, warped
from tests.bench.record import record
from tests.conftest import SHARED
from tests.emulators.faults import Faults
from tests.emulators.stac import StacArchive, item
from tests.skyscript.imagery.rasters import write_raster

LATENCY, ROUNDS, AT_ONCE, COUNT = 0.03, 2, (6, 16), 240
NOTHING = pa.table({})
OURS = "the backend `stac`"


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


Round = Callable[[str, list[Tile], int], object]
"""Reads all tiles of the file of an address, so many at once."""


def in_threads(one: Callable[[str, Tile], object], most: int = 99) -> Round:
    def read(address: str, tiles: list[Tile], at_once: int) -> None:
        with ThreadPoolExecutor(min(at_once, most)) as pool:
            list(pool.map(lambda tile: one(address, tile), tiles))

    return read


def plain(address: str, tile: Tile) -> object:
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", VSI_CACHE="FALSE"):
        return warped(address, tile)  # type: ignore[arg-type]


def by_rio_tiler(address: str, tile: Tile) -> object:
    from rio_tiler.io import Reader

    with rasterio.Env(**GDAL), Reader(address) as file:
        return file.part(
            tile.box,
            bounds_crs="EPSG:4326",
            dst_crs="EPSG:3857",
            width=tile.width,
            height=tile.height,
            resampling_method="bilinear",
            reproject_method="bilinear",
        )


def by_async_geotiff(address: str, tiles: list[Tile], at_once: int) -> None:
    from async_geotiff import GeoTIFF, Window
    from obstore.store import HTTPStore

    folder, _, name = address.rpartition("/")

    async def read() -> None:
        store = HTTPStore.from_url(folder, client_options={"allow_http": True})
        file, slots = await GeoTIFF.open(name, store=store), asyncio.Semaphore(at_once)

        async def one(tile: Tile) -> object:
            box = mercator_box(tile.box)
            corners = ((box.west, box.north), (box.east, box.south))
            (left, top), (right, bottom) = (
                (min(max(int(column), 0), file.width), min(max(int(row), 0), file.height))
                for column, row in (~file.transform @ corner for corner in corners)
            )
            window = Window(col_off=left, row_off=top, width=right - left, height=bottom - top)
            async with slots:
                return (await file.read(window=window)).data

        await asyncio.gather(*map(one, tiles))

    asyncio.run(read())


def peers() -> dict[str, Round]:
    """Give the peers that are installed (the extra `bench`)."""
    found = {"the same in a plain loop": in_threads(plain, most=1)}
    if find_spec("rio_tiler"):
        found["rio-tiler"] = in_threads(by_rio_tiler)
    if find_spec("async_geotiff"):
        found["async-geotiff, which does not resample"] = by_async_geotiff
    return found


def rate(one: Callable[[Tile], object], tiles: list[Tile], at_once: int) -> float:
    return max(
        _rate(in_threads(lambda _, tile: one(tile)), "", tiles, at_once) for _ in range(ROUNDS)
    )


def _rate(read: Round, address: str, tiles: list[Tile], at_once: int) -> float:
    start = time.perf_counter()
    read(address, tiles, at_once)
    return len(tiles) / (time.perf_counter() - start)


def config_of(url: str, local: Scene) -> StacSource:
    return StacSource(
        api=url,
        collection="images",
        assets=("visual",),
        gsd=local.gsd,
        at_once=max(AT_ONCE),
        a_second=10_000,
    )


def by_ranges(folder: Path, local: Scene, tiles: list[Tile]) -> Scene:
    """Measure all readers over the network, in turn; give the backend's scene."""
    with archive(folder, local.box) as (url, requests):
        backend = StacBackend(config_of(url, local))
        (scene,) = backend.search("ORT", [local.box])

        def ours(address: str, tile: Tile) -> object:
            return backend.cut(Scene(**{**vars(scene), "hrefs": (address,)}), tile, NOTHING)

        readers = {OURS: in_threads(ours), **peers()}
        rates, asked = dict.fromkeys(readers, 0.0), dict.fromkeys(readers, 0)
        spent = dict.fromkeys(readers, float("inf"))
        for turn, at_once in enumerate(AT_ONCE * ROUNDS):
            for number, (name, read) in enumerate(readers.items()):
                copy = f"image{turn}{number}.tif"
                (folder / copy).hardlink_to(folder / "image.tif")
                before, begun = requests(), time.process_time()
                rates[name] = max(rates[name], _rate(read, f"{url}/files/{copy}", tiles, at_once))
                spent[name] = min(spent[name], time.process_time() - begun)
                asked[name] += requests() - before
    print(f"\nby ranges, {LATENCY * 1000:.0f} ms an answer, {SIDE} px tiles:")
    for name, found in rates.items():
        each, ratio = asked[name] / len(tiles) / ROUNDS / len(AT_ONCE), rates[OURS] / found
        cpu = 1000 * spent[name] / len(tiles)
        print(
            f"  {found:6.1f} tiles/s, {cpu:4.1f} ms of CPU and {each:.1f} requests a tile, "
            f"ratio {ratio:.2f}: {name}"
        )
    what = f"`fetch` by HTTP ranges, {LATENCY * 1000:.0f} ms an answer"
    for number, name in enumerate(peers()):
        file = f"fetch_ranges_{number}" if number else "fetch_ranges"
        record(file, what=what, against=name, ratio=rates[OURS] / rates[name])
    return scene


@pytest.mark.bench
@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # async-geotiff's
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

    scene = by_ranges(tmp_path, local, tiles_of(local, COUNT))
    backend = StacBackend(config_of("http://127.0.0.1:9", local))
    on_disk = Scene(**{**vars(scene), "hrefs": (str(path),)})
    stac = rate(lambda tile: backend.cut(on_disk, tile, NOTHING), tiles, min(AT_ONCE))
    files = rate(lambda tile: folder.cut(local, tile, NOTHING), tiles, 1)
    theirs = rate(lambda tile: plain(str(path), tile), tiles, 1)
    print(
        f"on disk: stac backend {stac:.1f} tiles/s, folder backend {files:.1f}, "
        f"plain loop {theirs:.1f}, ratio {stac / theirs:.1f} and {files / theirs:.1f}"
    )
