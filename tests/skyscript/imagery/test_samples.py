"""Colours are what the file says they are, and a pixel counts or does not count as a whole."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp, Resampling

from skyscript.geo.tile import tile_around
from skyscript.imagery.colours import NotColours, Reading
from skyscript.imagery.grid import mercator_grid
from skyscript.imagery.protocol import TileImage
from skyscript.imagery.raster import open_raster
from skyscript.imagery.warp import cut_tile
from tests.skyscript.imagery.rasters import plain, write_raster

RED, GREEN, BLUE = ColorInterp.red, ColorInterp.green, ColorInterp.blue


def tile_of(
    path: Path, reading: Reading, side: int = 200, gsd: float = 0.5, **shift: Any
) -> TileImage:
    tile = tile_around(9, 47, side, side, gsd, **shift)
    return cut_tile(open_raster(path), mercator_grid(tile), reading)


def called(path: Path, *colours: ColorInterp) -> Path:
    """Say in a file which band is which colour."""
    with rasterio.open(path, "r+") as file:
        file.colorinterp = colours
    return path


def test_the_file_says_which_bands_are_red_green_and_blue(tmp_path: Path) -> None:
    bgr = called(write_raster(tmp_path / "a.tif", plain()), BLUE, GREEN, RED)
    assert (tile_of(bgr, Reading()).rgb == (30, 20, 10)).all()
    infrared_first = called(
        write_raster(tmp_path / "b.tif", plain(4)), ColorInterp.undefined, RED, GREEN, BLUE
    )
    assert (tile_of(infrared_first, Reading()).rgb == (20, 30, 40)).all()


def test_the_config_overrides_what_the_file_says_of_its_bands(tmp_path: Path) -> None:
    bgr = called(write_raster(tmp_path / "a.tif", plain()), BLUE, GREEN, RED)
    assert (tile_of(bgr, Reading(bands=(1, 2, 3))).rgb == (10, 20, 30)).all()


def test_a_file_that_calls_no_band_a_colour_gives_its_first_three(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", plain(5), photometric="MINISBLACK")
    assert RED not in open_raster(path).data.colorinterp
    assert (tile_of(path, Reading()).rgb == (10, 20, 30)).all()


def palette_file(path: Path, indices: Any, **colours: tuple[int, int, int, int]) -> Path:
    write_raster(path, np.asarray(indices, np.uint8)[None], photometric="PALETTE")
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {int(index[1:]): colour for index, colour in colours.items()})
    return path


def test_a_palette_becomes_its_colours_also_where_the_config_names_its_band_thrice(
    tmp_path: Path,
) -> None:
    indices = np.full((300, 300), 7)
    path = palette_file(tmp_path / "a.tif", indices, i7=(200, 100, 50, 255))
    assert (tile_of(path, Reading()).rgb == (200, 100, 50)).all()
    assert (tile_of(path, Reading(bands=(1, 1, 1))).rgb == (200, 100, 50)).all()


def test_the_means_of_a_palette_are_of_colours_not_of_indices(tmp_path: Path) -> None:
    indices = np.indices((1200, 1200)).sum(0) % 2 * 2  # 0 and 2; their mean, 1, is black
    path = palette_file(
        tmp_path / "a.tif", indices, i0=(200, 0, 0, 255), i1=(0, 0, 0, 255), i2=(0, 0, 200, 255)
    )
    image = tile_of(path, Reading(), side=100, gsd=2.0)
    assert np.abs(image.rgb.astype(int) - (100, 0, 100)).max() <= 2


def test_a_transparent_colour_of_a_palette_is_no_data(tmp_path: Path) -> None:
    indices = np.zeros((300, 300))
    indices[:, 150:] = 1
    path = palette_file(tmp_path / "a.tif", indices, i0=(0, 0, 0, 255), i1=(9, 9, 9, 255))
    assert tile_of(path, Reading()).valid.all()
    with rasterio.open(path, "r+") as file:
        file.nodata = 1
    assert tile_of(path, Reading()).valid.mean() == pytest.approx(0.5, abs=0.01)


def test_an_offset_that_the_file_states_is_taken_off_before_the_stretch(tmp_path: Path) -> None:
    samples = np.full((3, 300, 300), 2270, np.uint16)
    samples[2] += 60
    path = write_raster(tmp_path / "a.tif", samples)
    stretch = (0, 2550)
    assert (tile_of(path, Reading(scale=stretch)).rgb == (227, 227, 233)).all()
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.0001,) * 3, (-0.1,) * 3
    assert (tile_of(path, Reading(scale=stretch)).rgb == (127, 127, 133)).all()
    assert (tile_of(path, Reading(scale=stretch, offset=0)).rgb == (227, 227, 233)).all()
    assert (tile_of(path, Reading(scale=stretch, offset=270)).rgb == (200, 200, 206)).all()


def checkers(path: Path, **profile: Any) -> Path:
    """Write pure red and white, pixel by pixel, in metres of EPSG:3857."""
    samples = np.full((3, 1200, 1200), 250, np.uint8)
    samples[1:, np.indices((1200, 1200)).sum(0) % 2 == 0] = 0
    return write_raster(path, samples, "EPSG:3857", (9, 47), 1.0, **profile)


@pytest.mark.parametrize("times", [2, 4, 7.3])
def test_with_nodata_0_the_means_of_a_coarser_tile_count_every_band_of_a_pixel(
    tmp_path: Path, times: float
) -> None:
    path = checkers(tmp_path / "a.tif", nodata=0)
    image = tile_of(path, Reading(), side=100, gsd=times * math.cos(math.radians(47)))
    assert image.valid.all()
    assert np.abs(image.rgb.astype(int) - (250, 125, 125)).max() <= 3


def test_an_infrared_band_called_alpha_does_not_weigh_means(tmp_path: Path) -> None:
    samples = np.full((4, 1200, 1200), 200, np.uint8)
    dark = np.indices((1200, 1200)).sum(0) % 2 == 0
    samples[:, dark] = 0  # dark in the infrared as well
    path = write_raster(
        tmp_path / "a.tif", samples, "EPSG:3857", (9, 47), 1.0, photometric="RGB", alpha="YES"
    )
    image = tile_of(path, Reading(mask="none"), side=100, gsd=4 * math.cos(math.radians(47)))
    assert np.abs(image.rgb.astype(int) - 100).max() <= 2


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_a_tile_of_an_overview_lies_where_one_of_the_file_lies(tmp_path: Path, left: int) -> None:
    samples = np.zeros((3, 1200, 1200), np.uint8)
    samples[:, :, 640:] = 200
    plain_file = write_raster(tmp_path / "a.tif", samples, "EPSG:3857", (9, 47), 1.0)
    with_levels = write_raster(tmp_path / "b.tif", samples, "EPSG:3857", (9, 47), 1.0)
    with rasterio.open(with_levels, "r+") as file:
        file.build_overviews([2, 4], Resampling.average)
    gsd = 4.4 * math.cos(math.radians(47))
    shift = {"shift": (left / 4.4, 0)}
    one, other = (
        tile_of(path, Reading(), side=100, gsd=gsd, **shift).rgb[50, :, 0].astype(int)
        for path in (plain_file, with_levels)
    )
    assert abs(one.sum() - other.sum()) / 200 < 0.1


def test_large_windows_are_read_in_pieces_that_fit_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp = np.tile((np.arange(1200) // 5).astype(np.uint8)[:, None], (3, 1, 1200))
    path = write_raster(tmp_path / "a.tif", ramp, "EPSG:3857", (9, 47), 1.0)
    gsd = 5 * math.cos(math.radians(47))
    whole = tile_of(path, Reading(), side=200, gsd=gsd).rgb.astype(int)
    monkeypatch.setattr("skyscript.imagery.samples._AT_ONCE", 20_000)
    pieces = tile_of(path, Reading(), side=200, gsd=gsd).rgb.astype(int)
    assert np.abs(whole - pieces).max() <= 1


@pytest.mark.parametrize("edge", [400, 403])
@pytest.mark.parametrize("quality", [60, 75, 95])
def test_a_black_rim_that_a_lossy_compression_blurred_is_no_image(
    tmp_path: Path, edge: int, quality: int
) -> None:
    samples = np.random.default_rng(0).integers(50, 200, (3, 800, 800), np.uint8)
    samples[:, :, :edge] = 0
    profile = {"compress": "JPEG", "photometric": "YCBCR", "jpeg_quality": quality}
    path = write_raster(tmp_path / "a.tif", samples, nodata=0, **profile, tiled=True)
    # The tile's middle is the file's: column 400.
    right = 0.5 - (edge - 400) / 200
    assert tile_of(path, Reading()).valid.mean() == pytest.approx(right, abs=0.01)
    saved_anew = tmp_path / "b.tif"
    with rasterio.open(path) as file:
        write_raster(saved_anew, file.read(), nodata=0)
    assert tile_of(saved_anew, Reading()).valid.mean() == pytest.approx(right, abs=0.01)


def test_dark_pixels_beside_an_exact_rim_or_in_the_image_are_image(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(9, 25, (3, 300, 300), np.uint8)
    samples[:, :, :150] = 0
    samples[:, 100:110, 250:260] = 3  # a shadow
    path = write_raster(tmp_path / "a.tif", samples, nodata=0)
    assert tile_of(path, Reading()).valid.mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("bands", "dtype", "why", "setting"),
    [
        (1, "uint8", "has 1 band, no band 3", "bands"),
        (3, "uint16", "band 1 is uint16, not 8-bit", "scale"),
        (3, "complex64", "band 1 holds complex numbers, no colours", ""),
    ],
)
def test_a_file_that_gives_no_colours_says_why(
    tmp_path: Path, bands: int, dtype: str, why: str, setting: str
) -> None:
    path = write_raster(tmp_path / "a.tif", plain(bands, dtype=dtype))
    with pytest.raises(NotColours) as caught:
        tile_of(path, Reading())
    assert (str(caught.value), caught.value.setting) == (why, setting)
