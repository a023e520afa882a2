"""Which bands of a file are red, green and blue, and how their samples become 8-bit colours.

The config decides; what it leaves open, the item of a catalogue says, and then the file itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Interpolation = Literal["nearest", "bilinear", "cubic"]
Triple = tuple[float, float, float]
_IN_ORDER = (1, 2, 3)
_NO_OFFSET: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Reading:
    """How samples of a file become red, green, blue; None: as the item or the file says."""

    bands: tuple[int, int, int] | None = None
    scale: tuple[float, float] | None = None
    """The samples that become 0 and 255, counted without the offset of the file; None if samples
    are 8-bit colours already."""
    nodata: float | None = None
    """Replaces the file's own value."""
    mask: Literal["file", "none"] = "file"
    """``none`` ignores the file's mask and its alpha band."""
    resample: Interpolation = "bilinear"
    offset: float | Triple | None = None
    """What is subtracted from the samples, of each colour or of all three."""
    fallback_nodata: float | None = None
    """Serves only where the file has neither a value, nor a mask, nor an alpha band."""


@dataclass(frozen=True)
class Colours:
    """The bands of one file, and what to do with their samples."""

    bands: tuple[int, int, int]
    palette: npt.NDArray[np.uint8] | None
    """The colour and opacity of each sample, 256 x 4; None if samples are no indices."""
    scale: tuple[float, float] | None
    offsets: Triple


class NotColours(ValueError):
    """The file gives no colours by what is known; says why, and which setting helps."""

    def __init__(self, why: str, setting: str = "", remedy: str = "") -> None:
        super().__init__(why)
        self.setting, self.remedy = setting, remedy


def colours_of(data: Any, reading: Reading) -> Colours:  # noqa: ANN401 - rasterio's dataset
    """Say how an open file becomes colours; raises `NotColours` if it cannot."""
    bands = reading.bands or _named_bands(data)
    if (missing := max(bands)) > data.count:
        raise NotColours(
            f"has {data.count} band{'s' * (data.count > 1)}, no band {missing}",
            "bands",
            "to those that are red, green and blue",
        )
    palette = _palette(data, bands)
    for band in bands:
        kind = np.dtype(data.dtypes[band - 1])
        if np.issubdtype(kind, np.complexfloating):
            raise NotColours(f"band {band} holds complex numbers, no colours")
        if kind != np.uint8 and reading.scale is None and palette is None:
            raise NotColours(
                f"band {band} is {kind}, not 8-bit",
                "scale",
                "to the values that shall be black and white, for example [0, 3000]",
            )
    if palette is not None or reading.scale is None:
        return Colours(bands, palette, None, _NO_OFFSET)
    return Colours(bands, None, reading.scale, _offsets(data, bands, reading.offset))


def _named_bands(data: Any) -> tuple[int, int, int]:  # noqa: ANN401
    """Give the bands that the file calls red, green and blue; else its palette or its first three.

    A file with a palette has one band, whose index is looked up for each colour.
    """
    from rasterio.enums import ColorInterp

    named = list(data.colorinterp)
    if ColorInterp.palette in named[:1]:
        return (1, 1, 1)
    wanted = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    if not set(wanted) <= set(named):
        return _IN_ORDER
    red, green, blue = (named.index(colour) + 1 for colour in wanted)
    return red, green, blue


def _palette(data: Any, bands: tuple[int, int, int]) -> npt.NDArray[np.uint8] | None:  # noqa: ANN401
    """Give the colours of the indices, if all three bands are one band with a palette."""
    from rasterio.enums import ColorInterp

    first = bands[0]
    if set(bands) != {first} or data.colorinterp[first - 1] is not ColorInterp.palette:
        return None
    table = np.zeros((256, 4), np.uint8)
    for index, colour in data.colormap(first).items():
        if index < len(table):
            table[index] = colour
    return table


def _offsets(
    data: Any,  # noqa: ANN401
    bands: tuple[int, int, int],
    given: float | Triple | None,
) -> Triple:
    """Give what to subtract from the samples of each colour: the file's own, unless it is given.

    A file says ``value = scale * sample + offset``; in samples the offset is ``-offset / scale``.
    """
    if isinstance(given, tuple):
        return given
    if given is not None:
        return given, given, given
    red, green, blue = (sample_offset(data.scales[b - 1], data.offsets[b - 1]) for b in bands)
    return red, green, blue


def sample_offset(scale: float, offset: float) -> float:
    """Give the sample that stands for the value 0, if ``value = scale * sample + offset``."""
    return -offset / scale if scale and offset else 0.0
