"""Fields of small clouds are found in images of satellites, and clear ones are left alone."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from skyscript.geo.tile import tile_around
from skyscript.imagery.broken_cloud import COARSE, broken_cloud_share
from skyscript.imagery.colours import Reading
from skyscript.imagery.fitness import fitness_of
from skyscript.imagery.grid import mercator_grid
from skyscript.imagery.protocol import Pixels
from skyscript.imagery.raster import Raster, ground_gsd, open_raster
from skyscript.imagery.warp import cut_tile

SIDE, LIMIT = 240, 0.4
CLEAR = (
    ("s2_virginia_eastern_shore_10m_tci_cog.tif", Reading(bands=(1, 2, 3), mask="none")),
    ("s2_virginia_eastern_shore_10m_tci_cog.tif", Reading(scale=(0, 120), mask="none")),
    ("landsat7_olinda_br_28m_6band.tif", Reading(bands=(3, 2, 1), mask="none")),
    ("landsat7_olinda_br_28m_6band.tif", Reading(bands=(3, 2, 1), scale=(30, 150), mask="none")),
    ("ngi_baviaanskloof_5m_1.tif", Reading(bands=(1, 2, 3))),
    ("s2_baviaanskloof_10m.tif", Reading(bands=(1, 2, 3), scale=(0, 100), mask="none")),
    ("l8_baviaanskloof_30m_24band.tif", Reading(bands=(4, 3, 2), scale=(0, 60), mask="none")),
)
"""Scenes without clouds: coast, fields, forest, mountains and towns."""


def tiles(raster: Raster, reading: Reading, steps: int, rows: slice = np.s_[:]) -> Iterator[Pixels]:
    """Cut tiles on a grid of places; only those that are whole, in some rows of the grid."""
    gsd, (width, height) = ground_gsd(raster), (raster.data.width, raster.data.height)
    half = SIDE / 2 + 3
    for row in np.linspace(half, height - half, steps)[rows]:
        for column in np.linspace(half, width - half, steps):
            lon, lat = raster.degrees(np.array(column), np.array(row))
            tile = tile_around(float(lon), float(lat), SIDE, SIDE, gsd)
            image = cut_tile(raster, mercator_grid(tile), reading)
            if image.valid.mean() > 0.95 and image.rgb.any(axis=2).mean() > 0.9:
                yield image.rgb


def share(rgb: Pixels) -> float:
    return broken_cloud_share(rgb, np.ones(rgb.shape[:2], np.bool_))


def with_small_clouds(rgb: Pixels, cover: float, size: float) -> Pixels:
    """Put clouds over a tile, each with its shadow aside."""
    rng = np.random.default_rng(3)
    field = cv2.GaussianBlur(rng.normal(size=rgb.shape[:2]).astype(np.float32), (0, 0), size)
    field = (field - np.quantile(field, 1 - cover)) / field.std()
    opacity = np.clip(field * 2, 0, 0.9)[..., None]
    shadow = 1 - 0.5 * np.roll(opacity, (round(size), round(size)), (0, 1))
    return np.clip(rgb * shadow * (1 - opacity) + 235 * opacity, 0, 255).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "reading"), CLEAR, ids=lambda each: str(each)[:40])
def test_clear_scenes_of_satellites_pass(name: str, reading: Reading, shared_data: Path) -> None:
    found = [share(rgb) for rgb in tiles(open_raster(shared_data / "imagery" / name), reading, 7)]
    assert len(found) >= 8
    assert max(found) < LIMIT / 1.5


@pytest.mark.parametrize("scale", [(6000, 20000), (7000, 20000), (6000, 14000)], ids=str)
def test_a_cloudy_scene_of_landsat_does_not_pass(
    scale: tuple[float, float], shared_data: Path
) -> None:
    raster = open_raster(shared_data / "imagery/l8_alabama_30m_rgb_uint16_cog.tif")
    # Its clouds lie in a belt from west to east, north and south of which it is clear.
    reading = Reading(bands=(1, 2, 3), scale=scale, mask="none")
    found = [share(rgb) for rgb in tiles(raster, reading, 7, np.s_[2:5])]
    assert len(found) == 21
    assert np.mean(np.array(found) > LIMIT) >= 0.8


@pytest.mark.parametrize("size", [4, 8, 14])
@pytest.mark.parametrize(("name", "reading"), [CLEAR[0], CLEAR[2]], ids=lambda each: str(each)[:40])
def test_small_clouds_over_a_clear_scene_are_found(
    name: str, reading: Reading, size: int, shared_data: Path
) -> None:
    clear = list(tiles(open_raster(shared_data / "imagery" / name), reading, 3))
    found = [share(with_small_clouds(rgb, 0.4, size)) for rgb in clear]
    assert np.mean(np.array(found) > LIMIT) >= 0.6
    assert max(map(share, clear)) < LIMIT


def test_grey_ground_and_missing_pixels_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    level = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)).astype(np.float32), (0, 0), 6)
    grey = np.clip(110 + 600 * level, 0, 255).astype(np.uint8)
    assert share(np.dstack([grey] * 3)) == 0
    nothing = np.zeros((SIDE, SIDE), np.bool_)
    assert broken_cloud_share(np.dstack([grey] * 3), nothing) == 0


def test_fine_images_are_not_asked() -> None:
    ground = np.full((SIDE, SIDE, 3), (40, 70, 30), np.uint8)
    ground[::2] += 8
    rgb = with_small_clouds(ground, 0.4, 8)
    there = np.ones((SIDE, SIDE), np.bool_)
    assert fitness_of(rgb, there, COARSE).broken_cloud_share > LIMIT
    assert fitness_of(rgb, there, COARSE / 2).broken_cloud_share == 0
