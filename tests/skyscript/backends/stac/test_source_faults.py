"""Files of an archive that need a token, are gone, or cannot be read for a while."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from image_sources import PLANETARY, PLANETARY_TOKEN
from skyscript.backends.stac import remote_file, token
from skyscript.backends.stac.config import StacSource, find_route
from skyscript.geo.tile import Box, tile_around
from skyscript.imagery.protocol import NeverAvailable, Problem, TileImage, TryLater
from tests.emulators.faults import Faults
from tests.emulators.stac import item
from tests.skyscript.backends.stac.conftest import AROUND, HERE, NOTHING, TILE, Start, backend
from tests.skyscript.imagery.rasters import write_raster

pytestmark = pytest.mark.slow


def test_files_behind_a_token_are_opened_with_it(start: Start, tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 77, np.uint8), tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND)], token="sig=abc")
    one = backend(archive)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    with pytest.raises(NeverAvailable, match=r"OWN/a cannot be read \(403\)"):
        one.cut(scene, TILE, NOTHING)
    assert set(archive.desk.count("file")) == {403}
    assert archive.desk.count("file").total() <= 3  # not six attempts
    signed = backend(archive, sign=f"{archive.url}/token")
    assert signed.cut(scene, TILE, NOTHING).rgb.max() == 77
    assert archive.desk.count("token") == {200: 1}


def test_a_read_token_ends_when_it_says_and_when_it_is_refused(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 77, np.uint8), tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND)], token="sig=abc")
    one = backend(archive, sign=f"{archive.url}/token")
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    archive.token_ends = datetime.now(UTC) + timedelta(seconds=62)
    one.cut(scene, TILE, NOTHING)
    one.cut(scene, TILE, NOTHING)
    assert archive.desk.count("token") == {200: 1}
    monkeypatch.setattr(token.time, "time", lambda: (datetime.now(UTC)).timestamp() + 3)
    one.cut(scene, TILE, NOTHING)
    assert archive.desk.count("token") == {200: 2}
    archive.token, archive.token_ends = "sig=new", datetime.now(UTC) + timedelta(hours=1)
    fresh = backend(archive, sign=f"{archive.url}/token")
    fresh.cut(scene, TILE, NOTHING)
    archive.token = "sig=newer"  # the old one is withdrawn before its end
    assert backend(archive, sign=f"{archive.url}/token").cut(scene, TILE, NOTHING).rgb.max() == 77
    fresh._of_thread.files.clear()
    assert fresh.cut(scene, TILE, NOTHING).rgb.max() == 77


def test_threads_that_are_refused_together_get_one_new_token(start: Start, tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 77, np.uint8), tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND)], token="sig=old")
    one = backend(archive, sign=f"{archive.url}/token")
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    one._signers[f"{archive.url}/token"] = signer = token.Signer(f"{archive.url}/token")
    signer.token()
    archive.token = "sig=new"
    begun = time.monotonic()
    for _ in range(8):
        signer.expire(begun)
        assert signer.token() == "sig=new"
    assert archive.desk.count("token") == {200: 2}
    assert one.cut(scene, TILE, NOTHING).rgb.max() == 77
    assert token.signed("https://a/b.tif?x=1", "sig=c") == "https://a/b.tif?x=1&sig=c"


def test_every_collection_of_the_planetary_computer_is_signed_by_its_own() -> None:
    config = StacSource(api=PLANETARY, collection="io-lulc", assets=("data",))
    assert find_route(config, "LUL").sign == f"{PLANETARY_TOKEN}io-lulc"


def test_a_file_that_is_gone_is_told_from_one_that_cannot_be_read_now(
    start: Start, tmp_path: Path
) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 77, np.uint8), tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND), item("gone", "HERE/none.tif", AROUND)])
    one = backend(archive)
    there, gone = one.search("OWN", [Box(*HERE, *HERE)])
    with pytest.raises(NeverAvailable, match=r"OWN/gone: its file is not there \(404\)"):
        one.cut(gone, TILE, NOTHING)
    archive.faults.planned.extend(["503", "503"])
    assert one.cut(there, TILE, NOTHING).rgb.max() == 77


@pytest.mark.parametrize("fault", ["429", "503", "cut", "hang"])
def test_a_fault_that_passes_is_survived_and_does_not_stick(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setitem(remote_file.GDAL, "GDAL_HTTP_RETRY_DELAY", "0.01")
    samples = np.random.default_rng(0).integers(0, 255, (3, 300, 300), np.uint8)
    write_raster(tmp_path / "a.tif", samples, tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND)])
    one = backend(archive)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    archive.faults.planned.extend([fault] * 2)
    # Only the attempts that meet a fault end after a second: a busy machine may need more.
    read, limits = one._read, iter(["1", "1"])

    def hurried(*given: Any) -> TileImage:
        *where, settings = given
        limit = next(limits, settings["GDAL_HTTP_TIMEOUT"])
        return read(*where, {**settings, "GDAL_HTTP_TIMEOUT": limit})

    monkeypatch.setattr(one, "_read", hurried)
    rgb = one.cut(scene, TILE, NOTHING).rgb
    assert not archive.faults.planned
    assert np.array_equal(rgb, backend(archive).cut(scene, TILE, NOTHING).rgb)


def test_a_server_that_wants_fewer_requests_gets_fewer(start: Start, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(0, 255, (3, 600, 600), np.uint8)
    write_raster(tmp_path / "a.tif", samples, tiled=True, blockxsize=128, blockysize=128)
    archive = start([item("a", "HERE/a.tif", AROUND)], faults=Faults(latency=0.2, cap=3))
    one = backend(archive, at_once=12, a_second=1000)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    tiles = [tile_around(*HERE, 60, 60, 0.5, shift=(n % 9 * 25 - 100, 0)) for n in range(45)]
    with ThreadPoolExecutor(24) as pool:
        cut = list(pool.map(lambda tile: one.cut(scene, tile, NOTHING), tiles))
    assert all(image.valid.all() for image in cut)
    assert one._quota(archive.url).at_once() < 12
    assert 1 <= archive.desk.most_at_once <= 3  # a busy machine may not ask for all at once


def test_a_read_that_stays_busy_is_recorded_as_that(start: Start, tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 77, np.uint8), tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND)], faults=Faults(kinds=("429",)))
    one = backend(archive)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    archive.faults.share = 1
    with pytest.raises(TryLater, match=r"OWN/a cannot be read \(429\), 6 times") as caught:
        one.cut(scene, TILE, NOTHING)
    assert caught.value.problem is Problem.BUSY
