"""Whether a tile shows the ground, by its pixels alone."""

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from skyscript.geo.tile import tile_around
from skyscript.imagery.colours import Reading
from skyscript.imagery.fitness import Fitness, fitness_of
from skyscript.imagery.grid import mercator_grid
from skyscript.imagery.protocol import Pixels
from skyscript.imagery.raster import ground_gsd, open_raster
from skyscript.imagery.warp import cut_tile
from tests.conftest import REPOSITORY, real_files

SIDE = 240


def gallery() -> list[Pixels]:
    """Give tiles of the README's gallery: published images."""
    with Image.open(REPOSITORY / "docs/gallery.jpg") as image:
        pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    corners = [(y, x) for y in range(0, height - SIDE, SIDE) for x in range(0, width - SIDE, SIDE)]
    return [np.ascontiguousarray(pixels[y : y + SIDE, x : x + SIDE]) for y, x in corners]


def ground(seed: int = 0) -> Pixels:
    """Give detail of every size, as the ground has it, in the colours of fields."""
    rng = np.random.default_rng(seed)
    sizes = (1, 2, 4, 8, 16, 32)
    parts = [
        cv2.resize(rng.normal(0, 9, (SIDE // size + 1,) * 2).astype(np.float32), (SIDE, SIDE))
        for size in sizes
    ]
    level = 95 + np.sum(parts, axis=0)
    tint = np.array([1.1, 1.0, 0.6])
    return np.clip(level[..., None] * tint, 4, 245).astype(np.uint8)


def as_jpeg(rgb: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=85)
    return np.asarray(Image.open(buffer))


def measured(rgb: Pixels, gsd: float = 0.5) -> Fitness:
    return fitness_of(rgb, np.ones(rgb.shape[:2], np.bool_), gsd)


def is_fit(figures: Fitness) -> bool:
    """Say whether a tile passes the limits that are the default of the stage `fetch`."""
    blank, cloud, broken, haze, sharpness = figures
    return blank <= 0.05 and cloud <= 0.7 and broken <= 0.4 and haze <= 0.5 and sharpness >= 0.12


@pytest.mark.parametrize("colour", [0, 255, 128, (40, 90, 160)], ids=str)
@pytest.mark.parametrize("saved", [np.asarray, as_jpeg], ids=["exact", "as a JPEG"])
def test_a_tile_of_one_colour_is_blank(
    colour: int | tuple[int, int, int], saved: Callable[[Pixels], Pixels]
) -> None:
    tile = np.zeros((SIDE, SIDE, 3), np.uint8)
    tile[:] = colour
    assert measured(saved(tile)).blank_share == 1


@pytest.mark.parametrize("value", [0, 255], ids=["black", "white"])
@pytest.mark.parametrize("saved", [np.asarray, as_jpeg], ids=["exact", "as a JPEG"])
@pytest.mark.parametrize(
    ("where", "share"),
    [
        (np.s_[:, : SIDE // 2], 0.5),
        (np.s_[:24], 0.1),
        (np.s_[60:200, 60:200], (140 / 240) ** 2),
    ],
    ids=["half", "collar", "hole"],
)
def test_a_black_or_white_area_at_a_corner_or_a_large_one_is_blank(
    value: int, saved: Callable[[Pixels], Pixels], where: tuple[slice, ...], share: float
) -> None:
    tile = ground()
    tile[where] = value
    figures = measured(saved(tile))
    assert figures.blank_share == pytest.approx(share, abs=0.04)  # JPEG blurs its edge
    assert not is_fit(figures)


def test_an_oblique_collar_is_blank() -> None:
    tile = ground()
    tile[np.add.outer(np.arange(SIDE), np.arange(SIDE)) < 120] = 0
    assert measured(as_jpeg(tile)).blank_share == pytest.approx(0.125, abs=0.025)


def test_a_roof_a_shadow_and_a_lake_are_no_blanks() -> None:
    tile = ground()
    tile[80:120, 100:160] = 255
    tile[150:170, :30] = 0
    tile[:, 200:] = (32, 66, 68)  # some orthophotos fill lakes with one colour
    assert measured(tile).blank_share == 0


def test_what_the_source_declares_as_missing_is_not_blank_as_well() -> None:
    tile, valid = ground(), np.ones((SIDE, SIDE), np.bool_)
    tile[:, :120], valid[:, :120] = 0, False
    assert fitness_of(tile, valid, 0.5).blank_share == 0


def cloudy(rgb: Pixels, share: float) -> Pixels:
    rng = np.random.default_rng(1)
    field = cv2.GaussianBlur(rng.normal(size=rgb.shape[:2]).astype(np.float32), (0, 0), 30)
    field = (field - np.quantile(field, 1 - share)) / field.std()
    opacity = np.clip(field * 3 + 0.5, 0, 1)[..., None]
    cloud = 232 + 30 * cv2.GaussianBlur(
        rng.normal(size=rgb.shape[:2]).astype(np.float32), (0, 0), 4
    )
    return np.clip(rgb * (1 - opacity) + opacity * cloud[..., None], 0, 255).astype(np.uint8)


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_clouds_are_seen_by_their_pixels(share: float) -> None:
    found = measured(cloudy(ground(), share)).cloud_share
    assert found == pytest.approx(share, abs=0.15)  # its rim is thin
    assert found <= share


@pytest.mark.parametrize("veil", [0.0, 0.6, 0.8])
def test_haze_is_seen_as_a_grey_veil(veil: float) -> None:
    tile = np.clip(ground() * (1 - veil) + 235 * veil, 0, 255).astype(np.uint8)
    assert measured(tile).haze == pytest.approx(veil, abs=0.17)


def test_bright_sand_is_no_haze_and_no_cloud() -> None:
    sand = np.clip(ground().mean(2, keepdims=True) * 0.2 + [190, 165, 130], 0, 255)
    figures = measured(sand.astype(np.uint8))
    assert (figures.haze, figures.cloud_share) == (pytest.approx(0, abs=0.3), 0)


def test_blur_and_enlarged_pixels_lack_fine_detail() -> None:
    sharp = measured(ground()).sharpness
    blurred = measured(cv2.GaussianBlur(ground(), (0, 0), 3)).sharpness
    small = cv2.resize(ground(), None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    enlarged = measured(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)).sharpness
    assert blurred < 0.12 < 0.2 < sharp
    assert enlarged < 0.12


def test_calm_water_is_neither_blurred_nor_blank() -> None:
    water = np.random.default_rng(0).normal((40, 60, 62), 1.2, (SIDE, SIDE, 3))
    assert is_fit(measured(as_jpeg(np.clip(water, 0, 255).astype(np.uint8))))


def test_no_published_image_looks_like_cloud_or_haze() -> None:
    # Tiles of the gallery hold white gaps: whether they are blank cannot be told here.
    figures = [measured(tile) for tile in gallery()]
    assert figures
    assert all(each.cloud_share <= 0.7 and each.haze <= 0.5 for each in figures)


@pytest.mark.parametrize(
    "path",
    real_files(
        "imagery/dop_stade_de_1.7m.tif",
        "imagery/neon_sjer_ca_0.1m_2018.tif",
        "imagery/ngi_baviaanskloof_5m_1.tif",
        "imagery/nl_ortho_0.25m_deepforest.tif",
        "imagery/oam_brazil_0.1m_deepforest.tif",
        "imagery/s2_baviaanskloof_10m.tif",
        "imagery/s2_virginia_eastern_shore_10m_tci_cog.tif",
        "imagery/zurich_ortho_0.5m.tif",
        "imagery/zurichsee_ortho_0.5m.tif",
        "pairs/banepa/imagery.tif",
        "pairs/swellendam/3420B_2010_328_RGB_LATLNG.tif",
    ),
)
def test_real_images_pass_and_their_damaged_copies_do_not(path: Path) -> None:
    raster = open_raster(path)
    lon, lat = raster.degrees(np.array(raster.data.width / 2), np.array(raster.data.height / 2))
    gsd = ground_gsd(raster)
    tile = tile_around(float(lon), float(lat), SIDE, SIDE, gsd)
    rgb = cut_tile(raster, mercator_grid(tile), Reading(bands=(1, 2, 3), mask="none")).rgb
    assert is_fit(measured(rgb, gsd))
    collar = rgb.copy()
    collar[:30] = 0
    assert measured(as_jpeg(collar)).blank_share > 0.05
    assert measured(cloudy(rgb, 0.97)).cloud_share > 0.7
    assert measured(cv2.GaussianBlur(rgb, (0, 0), 3)).sharpness < 0.12
