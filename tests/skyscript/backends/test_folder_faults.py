"""Files of a folder that cannot serve are named, with what is wrong and what to set."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from pydantic import ValidationError

from pipeline.errors import InputError
from skyscript.backends.folder import FolderBackend, FolderSource
from skyscript.backends.registry import folder_ids
from skyscript.geo.tile import tile_around
from skyscript.imagery.protocol import TryLater
from tests.skyscript.backends.folders import NO_OBJECTS, refusal, source
from tests.skyscript.imagery.rasters import north_up, plain, write_raster

pytestmark = pytest.mark.slow


def test_a_file_without_a_place(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50)).save(tmp_path / "plain.tif")
    assert "plain.tif: does not say where on the Earth it lies" in refusal(source(tmp_path))


def test_a_png_named_tif(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50)).save(tmp_path / "really.png")
    (tmp_path / "really.png").rename(tmp_path / "picture.tif")
    assert "picture.tif: does not say where on the Earth it lies" in refusal(source(tmp_path))


@pytest.mark.parametrize("data", [b"", b"no image at all", b"II*\0\xff\xff\xff\xff"])
def test_a_file_that_is_no_raster(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "broken.tif").write_bytes(data)
    assert "broken.tif: not a raster that GDAL can read" in refusal(source(tmp_path))


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 400, 400), np.uint8)
    path = write_raster(tmp_path / "half.tif", noise, tiled=True, blockxsize=128, blockysize=128)
    path.write_bytes(path.read_bytes()[:200_000])
    assert "half.tif: its last pixel cannot be read" in refusal(source(tmp_path))


def test_a_crs_that_is_nowhere_on_the_earth(tmp_path: Path) -> None:
    local = 'LOCAL_CS["building site",UNIT["metre",1]]'
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "width": 50, "height": 50}
    with rasterio.open(
        tmp_path / "site.tif", "w", crs=local, transform=north_up(5, 5, 1), **profile
    ) as file:
        file.write(plain(3, 50, 50))
    assert "site.tif: its CRS cannot be turned into longitude, latitude" in refusal(
        source(tmp_path)
    )


def test_a_band_that_is_not_there(tmp_path: Path) -> None:
    write_raster(tmp_path / "grey.tif", plain(1))
    sentence = refusal(source(tmp_path))
    assert "grey.tif: has 1 band, no band 3; set sources.CH.bands" in sentence
    assert len(FolderBackend(source(tmp_path, bands=(1, 1, 1))).scenes("CH")) == 1


def test_deep_samples_without_a_scale(tmp_path: Path) -> None:
    write_raster(tmp_path / "deep.tif", plain(dtype="uint16"))
    sentence = refusal(source(tmp_path))
    assert "deep.tif: band 1 is uint16, not 8-bit; set sources.CH.scale" in sentence


def test_a_file_of_unknown_time(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", plain())
    sentence = refusal(source(tmp_path, acquired=None))
    assert "a.tif: does not say when it was taken; set sources.CH.acquired" in sentence


def test_a_folder_that_is_empty_or_not_there(tmp_path: Path) -> None:
    assert "holds no file like *.tif or" in refusal(source(tmp_path))
    assert "no such folder" in refusal(source(tmp_path / "none"))


@pytest.mark.parametrize(
    "fields",
    [
        {"bands": (0, 1, 2)},
        {"scale": (3000, 0)},
        {"gsd": 0},
        {"acquired": "last summer"},
        {"mask": "alpha"},
        {"band": (1, 2, 3)},
    ],
)
def test_a_config_that_makes_no_sense_is_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        source(tmp_path, **fields)


def test_a_file_that_vanishes_or_breaks_after_the_index_is_to_be_tried_later(
    tmp_path: Path,
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 400, 400), np.uint8)
    path = write_raster(tmp_path / "a.tif", noise, tiled=True, blockxsize=128, blockysize=128)
    backend = FolderBackend(source(tmp_path))
    (scene,) = backend.scenes("CH")
    tile = tile_around(9, 47, 200, 200, 0.5)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(TryLater, match=r"CH/a\.tif cannot be read"):
        backend.cut(scene, tile, NO_OBJECTS)
    path.unlink()
    with pytest.raises(TryLater, match=r"CH/a\.tif cannot be read"):
        backend.cut(scene, tile, NO_OBJECTS)


def test_bad_files_are_passed_over_and_all_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_raster(tmp_path / "b.tif", plain())
    write_raster(tmp_path / "deep.tif", plain(dtype="uint16"))
    write_raster(tmp_path / "grey.tif", plain(1))
    (tmp_path / "broken.tif").write_bytes(b"no image")
    (scene,) = FolderBackend(source(tmp_path)).scenes("CH")
    assert scene.name == "b.tif"
    assert "CH: 3 of 4 files are left out" in caplog.text
    for name in ("deep.tif: band 1 is uint16", "grey.tif: has 1 band", "broken.tif: not a raster"):
        assert name in caplog.text


def test_where_no_file_serves_all_are_named_before_the_first_stage_runs(tmp_path: Path) -> None:
    for number in range(23):
        (tmp_path / f"{number:02}.tif").write_bytes(b"no image")
    sources: Any = {"CH": source(tmp_path)}
    with pytest.raises(
        InputError, match=r"00\.tif: not a raster.*19\.tif: .*And .*20\.tif, .*22\.tif\."
    ):
        folder_ids(sources)


def test_the_faults_of_a_mixed_folder_show_before_the_first_stage_runs_and_are_remembered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_raster(tmp_path / "good.tif", plain())
    write_raster(tmp_path / "deep.tif", plain(dtype="uint16"))
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "no_crs.tif")
    (tmp_path / "cut_off.tif").write_bytes((tmp_path / "good.tif").read_bytes()[:3000])
    sources: Any = {"CH": source(tmp_path)}
    folder_ids(sources)
    assert caplog.text.count("CH: 3 of 4 files are left out") == 1
    for name in ("deep.tif: band 1 is uint16", "no_crs.tif: does not say where", "cut_off.tif: "):
        assert name in caplog.text
    found = list(FolderBackend(source(tmp_path)).scenes("CH"))
    assert [scene.name for scene in found] == ["good.tif"]
    assert caplog.text.count("files are left out") == 1  # told once
    with monkeypatch.context() as without:
        without.setattr(FolderBackend, "_open", lambda *_: pytest.fail("looked into again"))
        folder_ids(sources)
    write_raster(tmp_path / "deep.tif", plain())
    folder_ids(sources)
    assert "CH: 2 of 4 files are left out" in caplog.text


def test_files_without_a_date_are_named_before_the_first_stage_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_raster(tmp_path / "dop_2019.tif", plain())
    write_raster(tmp_path / "dop.tif", plain())
    sources: Any = {"CH": source(tmp_path, acquired=None, acquired_name="_%Y")}
    folder_ids(sources)
    assert "CH: 1 of 2 files are left out" in caplog.text
    assert "dop.tif: does not say when it was taken" in caplog.text


def test_an_address_on_a_server_is_refused_by_name() -> None:
    for address in ("https://example.org/a.tif", "ftp://example.org/folder"):
        with pytest.raises(ValidationError, match=f"{address} is on a server, and `folder` reads"):
            FolderSource(path=address)  # type: ignore[arg-type]


def test_a_folder_may_lie_in_a_bucket() -> None:
    given = FolderSource(path="s3://bucket/folder")  # type: ignore[arg-type]
    assert str(given.path) == "s3://bucket/folder"


class Crashing(FolderBackend):
    """Dies at one file, as GDAL may."""

    def scene(self, alias: str, path: Path) -> Any:
        if path.name == "b.tif":
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().scene(alias, path)


def test_a_file_that_crashes_gdal_is_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.tif", "b.tif", "c.tif"):
        write_raster(tmp_path / name, plain(), "EPSG:2056", (8.5, 47.4), 0.1)
    found = Crashing(source(tmp_path)).scenes("CH")
    assert [scene.name for scene in found] == ["a.tif", "c.tif"]
    assert f"{tmp_path}/b.tif: GDAL crashed with SIGSEGV" in caplog.text
    with pytest.raises(InputError, match=r"b\.tif: GDAL crashed"):
        Crashing(source(tmp_path / "b.tif")).check("CH")
