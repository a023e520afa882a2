"""Read a window of a file as red, green and blue, with which of its pixels hold data.

Not GDAL's own means where a window is thinned: these leave out missing samples band by band, so
that a red roof (250, 0, 0) beside a white one becomes white where 0 means missing; they mix the
indices of a palette; and they take an infrared band that is marked as alpha for a mask. Here a
pixel counts or does not count as a whole, by one rule, and then means are taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skyscript.imagery.colours import Colours, Reading, colours_of

Mask = npt.NDArray[np.bool_]
Samples = npt.NDArray[Any]

_AT_ONCE = 1 << 22
"""Pixels of a file that are read in one piece where they are thinned: 4 million."""
_SURE, _ALMOST, _ALIKE = 2, 8, 32
"""A lossy file has values near its nodata value where data is missing: so near in the inside, so
near for many pixels at the edge, and so near at most."""
_SOLID, _REACH = 9, 16
"""Pixels: the least side of what is missing, and the side of the largest block that is compressed
as a whole."""


class Window(NamedTuple):
    """A part of a file, and how it is thinned as it is read."""

    left: int
    top: int
    width: int
    height: int
    thin: tuple[int, int]
    """Columns and rows that become one sample."""


def read_window(data: Any, window: Window, reading: Reading) -> tuple[Samples, Mask]:  # noqa: ANN401 - rasterio's
    """Read a window: samples (height, width, 3) with 0 to 255 as black to white, and which count.

    Where it is thinned, a sample is the mean of those that count; overviews serve if there are any.
    Raises `NotColours` if the file has none by the reading.
    """
    colours = colours_of(data, reading)
    level = _overview(data, window.thin)
    parts = [_thinned(data, part, rows, level, colours, reading) for part, rows in _strips(window)]
    samples = np.concatenate([part[0] for part in parts]) if parts[1:] else parts[0][0]
    valid = np.concatenate([part[1] for part in parts]) if parts[1:] else parts[0][1]
    return _stretched(samples, colours), valid


def aligned(data: Any, window: Window) -> Window:  # noqa: ANN401
    """Widen a thinned window to whole pixels of the overview that serves it."""
    level = _overview(data, window.thin)
    left, top = window.left - window.left % level, window.top - window.top % level
    right = -(-(window.left + window.width) // level) * level
    bottom = -(-(window.top + window.height) // level) * level
    width, height = min(right, data.width) - left, min(bottom, data.height) - top
    return Window(left, top, width, height, window.thin)


def _overview(data: Any, thin: tuple[int, int]) -> int:  # noqa: ANN401
    """Give how many pixels become one in the coarsest overview that is not coarser than a tile."""
    return max((level for level in data.overviews(1) if level <= min(thin)), default=1)


def _strips(window: Window) -> Iterator[tuple[Window, int]]:
    """Cut a thinned window into pieces that fit into memory, with the rows that each becomes."""
    rows = -(-window.height // window.thin[1])
    most = max(1, _AT_ONCE // (window.width * window.thin[1]))
    if window.thin == (1, 1):
        most = rows
    for start in range(0, rows, most):
        end = min(rows, start + most)
        top, bottom = (round(row * window.height / rows) for row in (start, end))
        yield window._replace(top=window.top + top, height=bottom - top), end - start


def _thinned(
    data: Any,  # noqa: ANN401
    window: Window,
    rows: int,
    level: int,
    colours: Colours,
    reading: Reading,
) -> tuple[Samples, Mask]:
    """Give the means of the samples that count; a mean counts if half of its samples do."""
    import cv2

    shape = -(-window.height // level), -(-window.width // level)
    samples, valid = _read(data, window, shape, colours, reading)
    size = (-(-window.width // window.thin[0]), rows)
    if size == shape[::-1]:
        return samples, valid

    def mean(image: Samples) -> Samples:
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))

    if valid.all():
        is_bytes = samples.dtype == np.uint8
        means = mean(samples if is_bytes else samples.astype(np.float32))
        return means, np.ones(means.shape[:2], np.bool_)
    share = mean(valid.astype(np.float32))
    means = mean(np.where(valid[..., None], samples, 0).astype(np.float32))
    return means / np.maximum(share, 1e-6)[..., None], share >= 0.5


def _read(
    data: Any,  # noqa: ANN401
    window: Window,
    shape: tuple[int, int],
    colours: Colours,
    reading: Reading,
) -> tuple[Samples, Mask]:
    """Read the samples of a window as they are, those of a palette as colours."""
    from rasterio.windows import Window as Part

    where = Part(window.left, window.top, window.width, window.height)
    bands = [colours.bands[0]] if colours.palette is not None else list(colours.bands)
    read = data.read(bands, window=where, out_shape=(len(bands), *shape))
    valid = _declared(data, read, where, colours, reading)
    if colours.palette is not None:
        looked_up = colours.palette[read[0]]
        return np.ascontiguousarray(looked_up[..., :3]), valid & (looked_up[..., 3] > 0)
    if np.issubdtype(read.dtype, np.floating):
        valid &= np.isfinite(read).all(axis=0)
    return _interleaved(read), valid


def _interleaved(bands: Samples) -> Samples:
    """Give bands, rows and columns as rows, columns and bands."""
    import cv2

    if bands.dtype == np.uint8 and len(bands) > 1:
        return np.asarray(cv2.merge(tuple(bands)))
    return np.ascontiguousarray(np.moveaxis(bands, 0, -1))


def _stretched(samples: Samples, colours: Colours) -> Samples:
    if colours.scale is None:
        return samples
    low, high = colours.scale
    black = low + np.asarray(colours.offsets, np.float32)
    return np.asarray((samples.astype(np.float32) - black) * (255 / (high - low)), np.float32)


def _declared(
    data: Any,  # noqa: ANN401
    read: Samples,
    where: Any,  # noqa: ANN401
    colours: Colours,
    reading: Reading,
) -> Mask:
    """Give which samples count by the nodata value, the mask or the alpha band of the file."""
    from rasterio.enums import MaskFlags

    first = colours.bands[0]
    nodata = data.nodatavals[first - 1] if reading.nodata is None else reading.nodata
    if nodata is not None:
        return _is_data(read, nodata)
    flags = data.mask_flag_enums[first - 1]
    if MaskFlags.all_valid in flags and reading.fallback_nodata is not None:
        return _is_data(read, reading.fallback_nodata)
    if reading.mask == "none" or MaskFlags.all_valid in flags or colours.palette is not None:
        return np.ones(read.shape[1:], np.bool_)
    mask = data.read_masks(first, window=where, out_shape=read.shape[1:])
    return np.asarray(mask > 0)


def _is_data(read: Samples, nodata: float) -> Mask:
    """Give the samples that are not the nodata value in all bands.

    Black with nodata 0: a red roof of (250, 0, 0) is there, only (0, 0, 0) is not.
    """
    valid = np.asarray((read != nodata).any(axis=0))
    if read.dtype != np.uint8 or read.shape[0] == 1 or not 0 <= nodata <= 255:
        return valid
    return valid & ~_blurred_rim(read, int(nodata))


def _blurred_rim(read: Samples, nodata: int) -> Mask:
    """Find the pixels that only a lossy compression made differ from the nodata value.

    They are near the value and near a solid area of it, in a file in which many such pixels almost
    have the value: a dark roof elsewhere, or dark water beside an exact rim, is not among them.
    """
    import cv2

    off = np.abs(read.astype(np.int16) - nodata).max(axis=0)
    sure = (off <= _SURE).astype(np.uint8)
    edge = cv2.BORDER_REPLICATE
    solid = np.ones((_SOLID, _SOLID), np.uint8)
    core = cv2.dilate(cv2.erode(sure, solid, borderType=edge), solid, borderType=edge)
    reach = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
    reached = np.asarray(cv2.dilate(np.asarray(core), reach, borderType=edge)) > 0
    length = (reached.sum() - np.asarray(core).sum()) / _REACH
    almost = (off > 0) & (off <= _ALMOST) & reached
    rim: Mask = (off <= _ALIKE) & reached & (almost.sum() >= max(1, length))
    return rim
