"""Fields of small clouds in images of satellites, by their colour: the share of a tile they cover.

Where small clouds lie over the ground, brightness varies towards white: red, green and blue rise
by the same amount, so bright places are grey and dark ones have the colour of the ground. On the
ground itself, light and shade scale all three, so the strongest colour varies most. Clouds are also
smooth, which towns are not. Over grey ground nothing can be told, and nothing is said. Snow with
patches of ground looks the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skyscript.imagery.protocol import Pixels

COARSE = 5.0
"""Metres; in finer images roofs, cars and gravel look like this."""
_STEP = 2
"""The tile is reduced by this factor."""
_WINDOW = 41
"""Pixels of the reduced tile; the side of the area in which colours are compared."""
_SEEN = 0.9
"""Share of an area that must be data."""
_EQUAL = 0.7
"""The smallest rise of a colour over the largest: 0.66 to 0.87 in clouds, 0.4 to 0.7 on land."""
_GREYER = 0.15
"""By how much less saturated bright places are than dark ones."""
_CONTRAST, _RELATIVE = 10.0, 0.12
"""Deviation of the brightness, in grey levels and as a share of the mean."""
_SMOOTH = 0.4
"""Detail between neighbours, as a share of that deviation."""
_TOGETHER = 0.6
"""Squared correlation of each colour with the brightness."""
_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)

Layer = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def broken_cloud_share(rgb: Pixels, shown: Mask) -> float:
    """Give the share of a tile's area where brightness varies as small clouds do.

    ``shown`` is false where there is no data. The pixels must be of `COARSE` metres or more.
    """
    import cv2

    height, width = (max(1, side // _STEP) for side in shown.shape)
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    there = cv2.resize(shown.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    is_seen = _mean(np.asarray(there, np.float32)) >= _SEEN
    if not is_seen.any():
        return 0.0
    light = small @ _WEIGHTS
    mean, mean_light = _mean(small), _mean(light)
    variance = np.maximum(_mean(light * light) - mean_light**2, 1e-3)
    together = _mean(small * light[..., None]) - mean * mean_light[..., None]
    own = np.maximum(_mean(small * small) - mean**2, 1e-3)
    rise, deviation = together / variance[..., None], np.sqrt(variance)
    step = rise * deviation[..., None]
    is_cloud = (
        (rise.min(axis=2) >= _EQUAL * rise.max(axis=2))
        & (_saturation(mean - step) - _saturation(mean + step) >= _GREYER)
        & (deviation >= np.maximum(_CONTRAST, _RELATIVE * mean_light))
        & (_fine_detail(rgb, width, height) <= _SMOOTH * deviation)
        & ((together**2 / (own * variance[..., None])).min(axis=2) >= _TOGETHER)
    )
    return float(is_cloud[is_seen].mean())


def _mean(layer: Layer) -> Layer:
    import cv2

    window = (_WINDOW, _WINDOW)
    return np.asarray(cv2.blur(layer, window, borderType=cv2.BORDER_REFLECT), np.float32)


def _saturation(colour: Layer) -> Layer:
    brightest = colour.max(axis=2)
    found: Layer = (brightest - colour.min(axis=2)) / np.maximum(brightest, 1)
    return found


def _fine_detail(rgb: Pixels, width: int, height: int) -> Layer:
    """Give the deviation of each pixel from its neighbours, of areas of the reduced tile."""
    import cv2

    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1)
    square = cv2.resize(fine * fine, (width, height), interpolation=cv2.INTER_AREA)
    return np.sqrt(_mean(np.asarray(square, np.float32)))
