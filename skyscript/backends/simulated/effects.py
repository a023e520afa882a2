"""Effects of season, weather and camera on the whole drawing: textures, snow, haze, blur, noise."""

from __future__ import annotations

import cv2
import numpy as np

from skyscript import chance
from skyscript.backends.simulated.canvas import FINER, Canvas
from skyscript.backends.simulated.noise import SEED, Field, Grid, sample
from skyscript.backends.simulated.season import Season
from skyscript.backends.simulated.tables import materials
from skyscript.imagery.protocol import Pixels

_CLOUDY = 1.9
"""The noise value, in standard deviations, above which there is a cloud."""
_DARK = 72
"""Grey level below which a pixel counts as shaded; snow on it is shaded too."""
_SNOWY_FROM, _SNOWY_SPAN, _SNOWY_SHARE = 45.0, 20.0, 0.6
_GRAIN = 1.9
"""The standard deviation of the camera's noise, in grey levels."""


def develop(canvas: Canvas, season: Season) -> Pixels:
    """Give the finished tile from the drawing."""
    grid = canvas.grid
    image = cv2.resize(canvas.image, (grid.width, grid.height), interpolation=cv2.INTER_AREA)
    classes = np.ascontiguousarray(canvas.image[::FINER, ::FINER, 3])
    rgb = image[:, :, :3].astype(np.float32)
    _texture(rgb, classes, grid)
    if canvas.light.season is Season.WINTER and _has_snow(grid, canvas.latitude):
        _snow(rgb, _by_class("snow", classes), image[:, :, :3].max(axis=2) < _DARK, grid)
    rgb *= np.array(canvas.light.colour, np.float32)
    _haze(rgb, grid, season)
    # the camera's noise is the same in overlapping tiles, one value a pixel at any pixel size
    pixels = Grid(round(grid.west / grid.pixel), round(grid.north / grid.pixel), 1.0, *grid[3:])
    blurred = cv2.GaussianBlur(rgb, (3, 3), 0.55) + _GRAIN * sample("sensor", pixels)[:, :, None]
    return np.clip(np.rint(blurred), 0, 255).astype(np.uint8)


def _by_class(name: str, classes: Pixels) -> Field:
    return np.asarray(cv2.LUT(classes, materials().by[name]), np.float32)


def _texture(rgb: Field, classes: Pixels, grid: Grid) -> None:
    present = np.unique(classes[::4, ::4])
    light = np.ones(classes.shape, np.float32)
    for name, strength in materials().by.items():
        if name not in ("snow", "green") and strength[present].any():
            light += sample(name, grid) * _by_class(name, classes)
    rgb *= np.clip(light, 0.35, 1.7, out=light)[:, :, None]


def _has_snow(grid: Grid, latitude: float) -> bool:
    """Tell whether there is snow in a cell of one degree: rarely, more often near the poles."""
    share = min(1.0, max(0.0, (abs(latitude) - _SNOWY_FROM) / _SNOWY_SPAN)) * _SNOWY_SHARE
    column = int((grid.west + grid.width * grid.pixel / 2) // 111320)
    return chance.uniform(SEED, f"{column}/{int(latitude // 1)}", "snow") < share


def _snow(rgb: Field, cover: Field, shaded: np.ndarray, grid: Grid) -> None:
    cover = cover * np.clip(0.92 + 0.12 * sample("patch", grid, 0.7), 0, 1)
    white = np.array((232, 238, 246), np.float32) + 4 * sample("speck", grid)[:, :, None]
    white = np.where(shaded[:, :, None], white * 0.62, white)
    rgb += (white - rgb) * cover[:, :, None]


def _haze(rgb: Field, grid: Grid, season: Season) -> None:
    """Add the clouds of the scene's date, which cover about one tile in twenty."""
    cloud = sample("clouds", grid, chance.uniform(SEED, season.value, "clouds"))
    if cloud.max() < _CLOUDY:
        return
    cover = np.clip((cloud - _CLOUDY) * 1.1, 0, 0.82)
    rgb += (np.array((238, 240, 244), np.float32) - rgb) * cover[:, :, None]
