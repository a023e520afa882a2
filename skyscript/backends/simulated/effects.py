"""Effects of season, weather and camera on the whole drawing: textures, snow, haze, blur, noise."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from skyscript import chance
from skyscript.backends.simulated.canvas import FINER, Canvas
from skyscript.backends.simulated.noise import Field, sample
from skyscript.backends.simulated.season import Season
from skyscript.backends.simulated.tables import materials
from skyscript.imagery.protocol import Pixels

_SEED = 0
_CAST = {
    Season.SPRING: (1.00, 1.01, 1.01),
    Season.SUMMER: (1.02, 1.01, 0.97),
    Season.AUTUMN: (1.01, 0.98, 0.94),
    Season.WINTER: (0.92, 0.95, 1.02),
}
"""The colour of the light."""
_DULL = 0.14
"""The loss of saturation in the air, as a share."""
_CLOUDY = 1.9
"""The noise value, in standard deviations, above which there is a cloud."""
_DARK = 72
"""Grey level below which a pixel counts as shaded; snow on it is shaded too."""
_SNOWY_FROM, _SNOWY_SPAN, _SNOWY_SHARE = 45.0, 20.0, 0.6
_GRAIN = 1.9
"""The standard deviation of the camera's noise, in grey levels."""


def develop(canvas: Canvas, latitude: float, season: Season) -> Pixels:
    """Give the finished tile from the drawing."""
    size = (canvas.width // FINER, canvas.height // FINER)
    image = cv2.resize(canvas.image, size, interpolation=cv2.INTER_AREA)[:, :, :3]
    classes = np.ascontiguousarray(canvas.image[::FINER, ::FINER, 3])
    rgb = image.astype(np.float32)
    _texture(rgb, classes, canvas)
    if canvas.light.season is Season.AUTUMN:
        _turn_leaves(rgb, classes, canvas)
    if canvas.light.season is Season.WINTER and _has_snow(canvas, latitude):
        _snow(rgb, classes, image.max(axis=2) < _DARK, canvas)
    rgb = np.asarray(cv2.transform(rgb, _filter(canvas.light.season)), np.float32)
    _haze(rgb, canvas, season)
    blurred = np.asarray(cv2.GaussianBlur(rgb, (3, 3), 0.55), np.float32)
    blurred += _sensor(canvas)[:, :, None]
    np.rint(blurred, out=blurred)
    return np.clip(blurred, 0, 255, out=blurred).astype(np.uint8)


def _by_class(table: Field, classes: Pixels) -> Field:
    return np.asarray(cv2.LUT(classes, table), np.float32)


def _filter(season: Season) -> Field:
    """Give the matrix that desaturates colours and tints them with the season's light."""
    dulled = np.eye(3) * (1 - _DULL) + _DULL / 3
    return np.asarray(dulled * np.array(_CAST[season])[:, None], np.float32)


def _texture(rgb: Field, classes: Pixels, canvas: Canvas) -> None:
    present = np.unique(classes[::4, ::4])
    light = np.ones(classes.shape, np.float32)
    for name, strength in materials().strength.items():
        if strength[present].any():
            light += sample(name, canvas.grid) * _by_class(strength, classes)
    rgb *= np.clip(light, 0.35, 1.7, out=light)[:, :, None]


def _turn_leaves(rgb: Field, classes: Pixels, canvas: Canvas) -> None:
    """Vary the colours of crowns in autumn: some are green, some yellow, some red."""
    turning = _by_class(materials().turning, classes)
    if turning.any():
        hue = sample("speck", canvas.grid, 0.3) * turning
        rgb[:, :, 0] *= 1 + 0.16 * hue
        rgb[:, :, 1] *= 1 - 0.05 * hue


def _has_snow(canvas: Canvas, latitude: float) -> bool:
    """Tell whether there is snow in a cell of one degree: rarely, more often near the poles."""
    share = min(1.0, max(0.0, (abs(latitude) - _SNOWY_FROM) / _SNOWY_SPAN)) * _SNOWY_SHARE
    column = int((canvas.grid.west + canvas.grid.width * canvas.grid.pixel / 2) // 111320)
    return chance.uniform(_SEED, f"{column}/{int(latitude // 1)}", "snow") < share


def _snow(rgb: Field, classes: Pixels, shaded: npt.NDArray[np.bool_], canvas: Canvas) -> None:
    patch = sample("patch", canvas.grid, 0.7)
    cover = _by_class(materials().snow, classes) * np.clip(0.92 + 0.12 * patch, 0, 1)
    white = np.array((232, 238, 246), np.float32) + 4 * sample("speck", canvas.grid)[:, :, None]
    white = np.where(shaded[:, :, None], white * 0.62, white)
    rgb += (white - rgb) * cover[:, :, None]


def _haze(rgb: Field, canvas: Canvas, season: Season) -> None:
    """Add the clouds of the scene's date, which cover about one tile in twenty."""
    shift = chance.uniform(_SEED, season.value, "clouds")
    cloud = sample("clouds", canvas.grid, shift)
    if cloud.max() >= _CLOUDY:
        cover = np.clip((cloud - _CLOUDY) * 1.1, 0, 0.82)
        rgb += (np.array((238, 240, 244), np.float32) - rgb) * cover[:, :, None]


def _sensor(canvas: Canvas) -> Field:
    """Give the camera's noise, one value for each pixel at any pixel size."""
    grid, noise = canvas.grid, _noise_plate()
    rows = (np.arange(grid.height) - round(grid.north / grid.pixel)) % len(noise)
    columns = (np.arange(grid.width) + round(grid.west / grid.pixel)) % len(noise)
    return noise[np.ix_(rows, columns)]


@cache
def _noise_plate() -> Field:
    plate = chance.generator(_SEED, "camera", "noise").standard_normal((512, 512), np.float32)
    plate *= _GRAIN
    return plate
