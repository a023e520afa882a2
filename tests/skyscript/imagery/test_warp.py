"""A tile's pixels lie where its box says, whatever the file's CRS, bands and mask."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import pytest
from rasterio.enums import ColorInterp, Resampling
from rasterio.vrt import WarpedVRT

from skyscript.geo.tile import Tile, mercator_box, tile_around
from skyscript.imagery.colours import Reading
from skyscript.imagery.grid import mercator_grid
from skyscript.imagery.protocol import TileImage
from skyscript.imagery.raster import Raster, ground_gsd, open_raster
from skyscript.imagery.warp import cut_on, cut_tile
from tests.conftest import real_files
from tests.skyscript.imagery.rasters import PLACES, north_up, plain, write_picture, write_raster

AS_IT_IS = Reading(bands=(1, 2, 3), scale=None, nodata=None, mask="file")


def cut(raster: Raster, tile: Tile, reading: Reading) -> TileImage:
    return cut_tile(raster, mercator_grid(tile), reading)


def ramps(size: int) -> npt.NDArray[np.uint8]:
    """Band 1 counts columns, band 2 rows, band 3 is constant."""
    count = np.arange(size, dtype=np.uint8)
    return np.stack(
        [np.tile(count, (size, 1)), np.tile(count[:, None], size), plain(1, size, size)[0]]
    )


def expected_positions(raster: Raster, tile: Tile) -> tuple[Any, Any]:
    """Where each pixel's centre lies in the file, each one transformed for itself by PROJ."""
    box = mercator_box(tile.box)
    x = box.west + (np.arange(tile.width) + 0.5) / tile.width * (box.east - box.west)
    y = box.north - (np.arange(tile.height) + 0.5) / tile.height * (box.north - box.south)
    to_file = pyproj.Transformer.from_crs("EPSG:3857", raster.data.crs.to_wkt(), always_xy=True)
    return ~raster.data.transform @ to_file.transform(*np.meshgrid(x, y))


@pytest.mark.parametrize("crs", PLACES)
def test_pixels_are_true_to_half_a_pixel_in_any_crs(tmp_path: Path, crs: str) -> None:
    place = PLACES[crs]
    pixel = 5e-6 if crs == "EPSG:4326" else 0.5
    raster = open_raster(write_raster(tmp_path / "ramps.tif", ramps(250), crs, place, pixel))
    tile = tile_around(*place, 120, 110, ground_gsd(raster))

    image = cut(raster, tile, AS_IT_IS)

    cols, rows = expected_positions(raster, tile)
    assert image.valid.all()
    # A sample's value is its column (or row), so the value tells the position of its centre.
    for band, true in ((0, cols - 0.5), (1, rows - 0.5)):
        off = image.rgb[..., band] - true
        assert abs(off).max() <= 0.5 + 0.05  # values are whole numbers
        assert abs(off.mean()) < 0.02


@pytest.mark.parametrize(
    "path",
    real_files(
        "imagery/zurich_ortho_0.5m.tif",
        "imagery/nl_ortho_0.25m_deepforest.tif",
        "imagery/s2_virginia_eastern_shore_10m_tci_cog.tif",
        "imagery/neon_sjer_ca_0.1m_2018.tif",
        "imagery/ngi_baviaanskloof_5m_1.tif",
        "pairs/banepa/imagery.tif",
        "pairs/swellendam/3420B_2010_328_RGB_LATLNG.tif",
    ),
)
def test_real_files_come_out_as_through_gdal(path: Path) -> None:
    compare_with_gdal(path)


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:32618", "EPSG:2056", "EPSG:28992"])
def test_a_picture_comes_out_as_through_gdal(tmp_path: Path, crs: str) -> None:
    compare_with_gdal(write_picture(tmp_path / "picture.tif", crs, PLACES[crs], 0.5))


def compare_with_gdal(path: Path) -> None:
    """Compare the tile in the middle of a file with the one that GDAL warps."""
    raster = open_raster(path)
    lon, lat = raster.degrees(raster.data.width / 2, raster.data.height / 2)
    tile = tile_around(float(lon), float(lat), 300, 300, ground_gsd(raster))

    image = cut(raster, tile, AS_IT_IS)

    box = mercator_box(tile.box)
    pixel = (box.east - box.west) / 300, (box.north - box.south) / 300
    grid = {"transform": north_up(box.west, box.north, *pixel), "width": 300, "height": 300}
    with WarpedVRT(raster.data, crs="EPSG:3857", resampling=Resampling.bilinear, **grid) as warped:
        theirs, mask = np.moveaxis(warped.read([1, 2, 3]), 0, -1), warped.dataset_mask() > 0
    both = image.valid & mask
    assert both.mean() > 0.9
    assert (image.valid == mask).mean() > 0.999
    assert np.abs(theirs.astype(int) - image.rgb)[both].mean() < 0.5


def test_what_lies_outside_of_the_file_is_not_valid(tmp_path: Path) -> None:
    raster = open_raster(write_raster(tmp_path / "a.tif", plain(), "EPSG:3857", (9, 47), 1.0))
    gsd = math.cos(math.radians(47))
    image = cut(raster, tile_around(9, 47, 200, 200, gsd, shift=(200, 0)), AS_IT_IS)
    # The file reaches 150 pixels to the east of its middle, the tile from 100 to 300.
    assert image.valid[:, :49].all()
    assert not image.valid[:, 51:].any()
    assert not image.rgb[~image.valid].any()
    beyond = cut(raster, tile_around(9, 47, 200, 200, gsd, shift=(500, 0)), AS_IT_IS)
    assert not beyond.valid.any()


def test_nodata_is_nodata_in_all_three_bands(tmp_path: Path) -> None:
    samples = plain()
    samples[:, :, :100] = 0  # not there
    samples[1:, :, 200:] = 0  # a pure red, there
    raster = open_raster(write_raster(tmp_path / "a.tif", samples, nodata=0))
    image = cut(raster, tile_around(9, 47, 290, 290, 0.5), AS_IT_IS)
    assert image.valid.mean() == pytest.approx(195 / 290, abs=0.01)
    # Next to what is not there, colours are not darkened.
    assert (image.rgb[image.valid][:, 0] == 10).all()


def test_the_configs_nodata_replaces_the_files(tmp_path: Path) -> None:
    samples = plain()
    samples[:, :150] = 255
    raster = open_raster(write_raster(tmp_path / "a.tif", samples))
    tile = tile_around(9, 47, 200, 200, 0.5)
    assert cut(raster, tile, AS_IT_IS).valid.all()
    white = cut(raster, tile, Reading((1, 2, 3), None, 255, "file"))
    assert white.valid.mean() == pytest.approx(0.5, abs=0.01)


def test_an_alpha_band_counts_unless_it_is_infrared(tmp_path: Path) -> None:
    samples = plain(4)
    samples[3] = 255
    samples[3, :, :150] = 0  # a lake in the infrared
    path = write_raster(tmp_path / "a.tif", samples, photometric="RGB", alpha="YES")
    raster = open_raster(path)
    assert raster.data.colorinterp[3] == ColorInterp.alpha
    tile = tile_around(9, 47, 200, 200, 0.5)
    assert cut(raster, tile, AS_IT_IS).valid.mean() == pytest.approx(0.5, abs=0.02)
    assert cut(raster, tile, Reading((1, 2, 3), None, None, "none")).valid.all()


def test_bands_come_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    raster = open_raster(write_raster(tmp_path / "a.tif", plain(6)))
    image = cut(raster, tile_around(9, 47, 100, 100, 0.5), Reading((5, 1, 3), None, None, "file"))
    assert (image.rgb == (50, 10, 30)).all()


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
def test_samples_are_stretched_between_black_and_white(tmp_path: Path, dtype: str) -> None:
    samples = np.zeros((3, 300, 300), dtype)
    samples[0], samples[1], samples[2] = 200, 1600, 9000
    raster = open_raster(write_raster(tmp_path / "a.tif", samples))
    reading = Reading((1, 2, 3), (1000, 3000), None, "file")
    image = cut(raster, tile_around(9, 47, 100, 100, 0.5), reading)
    assert np.abs(image.rgb.astype(int) - (0, 76, 255)).max() <= 1


def test_not_a_number_is_no_data(tmp_path: Path) -> None:
    samples = plain(dtype="float32")
    samples[:, :, :150] = np.nan
    raster = open_raster(write_raster(tmp_path / "a.tif", samples))
    reading = Reading((1, 2, 3), (0, 255), None, "file")
    image = cut(raster, tile_around(9, 47, 200, 200, 0.5), reading)
    assert image.valid.mean() == pytest.approx(0.5, abs=0.01)
    assert (image.rgb[image.valid] == (10, 20, 30)).all()


def test_a_coarser_tile_is_made_of_means_and_does_not_flicker(tmp_path: Path) -> None:
    checkers = np.indices((1200, 1200)).sum(axis=0) % 2 * 200
    samples = np.repeat(checkers[None].astype(np.uint8), 3, axis=0)
    raster = open_raster(write_raster(tmp_path / "a.tif", samples, "EPSG:3857", (9, 47), 1.0))
    gsd = 4.3 * math.cos(math.radians(47))
    image = cut(raster, tile_around(9, 47, 200, 200, gsd), AS_IT_IS)
    assert image.valid.all()
    assert np.abs(image.rgb.astype(int) - 100).max() <= 2


def test_a_coarser_tile_lies_where_its_box_says(tmp_path: Path) -> None:
    samples = np.zeros((3, 1200, 1200), np.uint8)
    samples[:, :, 640:] = 200  # an edge 40 m east of the middle
    raster = open_raster(write_raster(tmp_path / "a.tif", samples, "EPSG:3857", (9, 47), 1.0))
    gsd = 5 * math.cos(math.radians(47))
    image = cut(raster, tile_around(9, 47, 200, 200, gsd), AS_IT_IS)
    row = image.rgb[100, :, 0]
    assert (row[:107] == 0).all()
    assert (row[109:] == 200).all()
    assert row.sum() / 200 == pytest.approx(200 - 108, abs=0.1)


@pytest.mark.parametrize("crs", PLACES)
def test_a_files_own_grid_gives_its_pixels_untouched_and_holds_the_tile(
    tmp_path: Path, crs: str
) -> None:
    place = PLACES[crs]
    pixel = 5e-6 if crs == "EPSG:4326" else 0.5
    raster = open_raster(write_raster(tmp_path / "ramps.tif", ramps(250), crs, place, pixel))
    tile = tile_around(*place, 90, 80, ground_gsd(raster), shift=(5, 3))

    image = cut_on("native", raster, tile, AS_IT_IS)

    assert image.grid is not None and image.valid.all()
    left, top = (round(side) for side in ~raster.data.transform @ image.grid.transform[2::3])
    height, width = image.rgb.shape[:2]
    assert (width, height) == image.grid[2:]
    assert (image.rgb[..., 0] == left + np.arange(width)).all()
    assert (image.rgb[..., 1] == top + np.arange(height)[:, None]).all()
    cols, rows = expected_positions(raster, tile)
    assert left <= cols.min() - 0.5 + 1e-6 and cols.max() + 0.5 - 1e-6 <= left + width
    assert top <= rows.min() - 0.5 + 1e-6 and rows.max() + 0.5 - 1e-6 <= top + height


def test_pixels_between_pixels_are_made_as_the_config_says(tmp_path: Path) -> None:
    samples = np.zeros((3, 300, 300), np.uint8)
    samples[:, :, 150:] = 200
    raster = open_raster(write_raster(tmp_path / "a.tif", samples, "EPSG:3857", (9, 47), 1.0))
    tile = tile_around(9, 47, 200, 200, 0.25 * math.cos(math.radians(47)))
    rows = {
        how: cut(raster, tile, Reading((1, 2, 3), None, None, "file", how)).rgb[100, :, 0]
        for how in ("nearest", "bilinear", "cubic")
    }
    assert set(rows["nearest"].tolist()) == {0, 200}
    assert len(set(rows["bilinear"].tolist())) > 4
    assert rows["cubic"].max() > 200  # it overshoots
    middle = [int(np.argmax(row > 100)) for row in rows.values()]
    assert max(middle) - min(middle) <= 1
