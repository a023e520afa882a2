"""Tiles of Earth Engine's images: where their pixels lie, their masks, grids and clouds."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from skyscript.geo.tile import tile_around
from skyscript.imagery.protocol import TooCloudy
from tests.emulators.earth_images import EarthImage, transformer
from tests.emulators.world import mercator_image, naip, noise
from tests.skyscript.backends.earth_engine.conftest import HERE, NOTHING, Start, backend, scene_of


def test_a_tile_is_one_request_and_its_jpeg_is_kept_as_it_came(
    start: Start, tmp_path: Path
) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    tile = tile_around(*HERE, 200, 120, 0.6)
    image = found.cut(scene, tile, NOTHING)
    assert earth.desk.count("getPixels") == {200: 1}
    assert image.jpeg is not None
    assert image.valid.all()
    decoded = np.asarray(Image.open(io.BytesIO(image.jpeg)))
    assert np.array_equal(decoded, image.rgb)


def test_pixels_lie_where_the_box_says(start: Start, tmp_path: Path) -> None:
    square = 20
    board = (np.indices((1000, 1000)) // square).sum(0) % 2 * 255
    samples = np.dstack([board] * 3).astype(np.uint8)
    earth = start({"USDA/NAIP/DOQQ": [mercator_image("USDA/NAIP/DOQQ/board", HERE, samples)]})
    found = backend(earth, tmp_path)
    tile = tile_around(*HERE, 200, 160, 0.6, shift=(7, -13))
    rgb = found.cut(scene_of(found), tile, NOTHING).rgb[..., 0]
    shifted = board[500 - 80 + 13 :, 500 - 100 + 7 :][:160, :200]
    wrong = np.abs(rgb.astype(int) - shifted) > 128
    assert wrong.mean() < 0.002  # a border that is half a pixel off would make 5 % wrong


def test_masked_pixels_come_as_alpha_and_no_jpeg_is_kept(start: Start, tmp_path: Path) -> None:
    valid = np.ones((1500, 1500), bool)
    valid[:, :750] = False
    earth = start(naip(HERE, valid=valid))
    found = backend(earth, tmp_path)
    image = found.cut(scene_of(found), tile_around(*HERE, 100, 100, 0.6), NOTHING)
    assert image.jpeg is None
    assert image.valid.mean() == pytest.approx(0.5, abs=0.02)
    assert not image.rgb[~image.valid].any()


@pytest.mark.parametrize("how", ["bilinear", "cubic"])
def test_interpolated_tiles_are_computed_by_the_service(
    start: Start, tmp_path: Path, how: str
) -> None:
    samples = np.zeros((1000, 1000, 3), np.uint8)
    samples[:, 500:] = 200
    earth = start({"USDA/NAIP/DOQQ": [mercator_image("USDA/NAIP/DOQQ/a", HERE, samples)]})
    found = backend(earth, tmp_path, resample=how)
    scene, tile = scene_of(found), tile_around(*HERE, 100, 100, 0.15)
    row = found.cut(scene, tile, NOTHING).rgb[50, :, 0]
    assert earth.desk.count("computePixels") == {200: 1}
    assert earth.desk.count("getPixels") == {}
    nearest = backend(earth, tmp_path).cut(scene, tile, NOTHING).rgb[50, :, 0]
    assert earth.desk.count("getPixels") == {200: 1}
    between = [np.count_nonzero((r > 40) & (r < 160)) for r in (row, nearest)]
    assert between[0] >= 2 > between[1]


def utm_image(name: str, bands: tuple[str, ...], samples: Any, **fields: Any) -> EarthImage:
    x, y = transformer("EPSG:4326", "EPSG:32617").transform(*HERE)
    height, width = samples.shape[:2]
    corner = x // 10 * 10 - width // 2 * 10, y // 10 * 10 + height // 2 * 10
    affine = (10.0, 0.0, corner[0], 0.0, -10.0, corner[1])
    return EarthImage(name, samples, bands, "EPSG:32617", affine, **fields)


@pytest.mark.parametrize("alias", ["S2", "US"])
def test_on_its_own_grid_an_image_gives_its_pixels_and_says_where_they_lie(
    start: Start, tmp_path: Path, alias: str
) -> None:
    name, bands = {
        "S2": ("COPERNICUS/S2_SR_HARMONIZED", ("B4", "B3", "B2")),
        "US": ("USDA/NAIP/DOQQ", ("R", "G", "B")),
    }[alias]
    samples = noise(0, 300, 300)
    scaled = samples.astype(np.uint16) * 11 if alias == "S2" else samples
    cloud = {"CLOUDY_PIXEL_PERCENTAGE": 1.0}
    earth = start({name: [utm_image(f"{name}/a", bands, scaled, properties=cloud)]})
    found = backend(earth, tmp_path, grid="native")
    scene, tile = scene_of(found, alias), tile_around(*HERE, 100, 80, 10)
    image = found.cut(scene, tile, NOTHING)
    assert image.grid is not None and image.grid.crs == "EPSG:32617"
    assert 100 < image.grid.width < 108 and 80 < image.grid.height < 88
    assert image.rgb.shape == (image.grid.height, image.grid.width, 3)
    corner = earth.collections[name][0].transform
    left = round((image.grid.transform[2] - corner[2]) / 10)
    top = round((corner[5] - image.grid.transform[5]) / 10)
    wanted = samples[top : top + image.grid.height, left : left + image.grid.width].astype(int)
    if alias == "S2":
        wanted = wanted * 11 * 255 // 3000
    luma = np.array([0.299, 0.587, 0.114])  # a JPEG halves the resolution of colours
    off = np.abs((image.rgb - wanted) @ luma).mean()
    beside = np.abs((image.rgb[:, 1:] - wanted[:, :-1]) @ luma).mean()
    assert off < 2 < beside
    # A tile out of two images has no grid of their own in common.
    assert found.mosaic([scene, scene], tile).rgb.shape == (80, 100, 3)


@pytest.mark.parametrize(("band", "cloudy"), [("SCL", 9), ("QA_PIXEL", 0b1000)])
def test_a_tile_under_clouds_is_unfit_where_the_config_asks(
    start: Start, tmp_path: Path, band: str, cloudy: int
) -> None:
    alias, name, most = {
        "SCL": ("S2", "COPERNICUS/S2_SR_HARMONIZED", "CLOUDY_PIXEL_PERCENTAGE"),
        "QA_PIXEL": ("L8", "LANDSAT/LC08/C02/T1_TOA", "CLOUD_COVER"),
    }[band]
    samples = np.full((400, 400, 4), 0, np.uint16)
    samples[:, :200, 3] = cloudy
    bands = ("B4", "B3", "B2", band)
    image = utm_image(f"{name}/a", bands, samples, properties={most: 3.0})
    earth = start({name: [image]})
    tile = tile_around(*HERE, 100, 100, 10)
    for limit, is_fit in ((None, True), (60, True), (20, False)):
        found = backend(earth, tmp_path, max_tile_cloud=limit)
        scene = scene_of(found, alias)
        if is_fit:
            assert found.cut(scene, tile, NOTHING).jpeg
        else:
            with pytest.raises(TooCloudy, match="clouds over more than 20 % of the tile"):
                found.cut(scene, tile, NOTHING)
    assert earth.desk.count("getPixels") == {200: 5}
