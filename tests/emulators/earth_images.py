"""The assets of the emulated Earth Engine, and pixels of them on any grid.

Sampling is nearest neighbour on a pyramid of means, as Earth Engine's default; written apart from
the project's own warping, so that neither can hide the other's mistake.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
from PIL import Image
from shapely.geometry import Polygon, mapping

Samples = npt.NDArray[Any]
Affine6 = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f: x = a col + b row + c, y = d col + e row + f."""


class Refused(Exception):
    """The service refuses the request: the HTTP status, its name, the message."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name = status, name


def invalid(message: str) -> Refused:
    return Refused(400, "INVALID_ARGUMENT", message)


@dataclass(frozen=True)
class Grid:
    """The pixels that are asked for."""

    crs: str
    transform: Affine6
    width: int
    height: int


@dataclass
class EarthImage:
    """An image asset."""

    asset_id: str
    samples: Samples
    """rows, columns, bands"""
    bands: Sequence[str]
    crs: str
    transform: Affine6
    start: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    end: datetime | None = None
    valid: npt.NDArray[np.bool_] | None = None
    """rows, columns; None where all pixels hold data."""
    properties: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._levels = [(self.samples, self.mask())]

    def mask(self) -> npt.NDArray[np.bool_]:
        return np.ones(self.samples.shape[:2], bool) if self.valid is None else self.valid

    def sample_bytes(self) -> int:
        return int(self.samples.dtype.itemsize)

    def footprint(self) -> Polygon:
        """Give the outline in degrees: of the grid, masked or not."""
        height, width = self.samples.shape[:2]
        step = np.linspace(0, 1, 9)[:-1]
        cols = np.concatenate([step, step * 0 + 1, 1 - step, step * 0]) * width
        rows = np.concatenate([step * 0, step, step * 0 + 1, 1 - step]) * height
        a, b, c, d, e, f = self.transform
        to_degrees = transformer(self.crs, "EPSG:4326")
        return Polygon(
            np.column_stack(to_degrees.transform(a * cols + b * rows + c, d * cols + e * rows + f))
        )

    def asset(self) -> dict[str, Any]:
        """Give the EarthEngineAsset that listAssets and getAsset answer with."""
        a, b, c, d, e, f = self.transform
        height, width = self.samples.shape[:2]
        affine = {
            "scaleX": a,
            "shearX": b,
            "translateX": c,
            "shearY": d,
            "scaleY": e,
            "translateY": f,
        }
        grid = {
            "crsCode": self.crs,
            "affineTransform": affine,
            "dimensions": {"width": width, "height": height},
        }
        return {
            "type": "IMAGE",
            "name": f"projects/earthengine-public/assets/{self.asset_id}",
            "id": self.asset_id,
            "startTime": _rfc3339(self.start),
            "endTime": _rfc3339(self.end or self.start),
            "geometry": mapping(self.footprint()),
            "bands": [{"id": band, "grid": grid} for band in self.bands],
            "properties": dict(self.properties),
        }

    def number(self, band: str) -> int:
        """Give a band's place; refuse one that is not there."""
        if band not in self.bands:
            raise invalid(
                f"Band pattern '{band}' did not match any bands. Available bands: "
                f"[{', '.join(self.bands)}]"
            )
        return list(self.bands).index(band)

    def pixels(
        self, grid: Grid, bands: Sequence[str], mode: str = "nearest"
    ) -> tuple[Samples, npt.NDArray[np.bool_]]:
        """Give samples (rows, columns, bands) on a grid, and which of them hold data."""
        numbers = [self.number(band) for band in bands]
        cols, rows = self._positions(grid)
        level = self._level(cols, rows)
        samples, valid = self._levels[level]
        shrink = self.samples.shape[1] / samples.shape[1]
        col, row = np.floor(cols / shrink).astype(int), np.floor(rows / shrink).astype(int)
        height, width = samples.shape[:2]
        inside = (col >= 0) & (col < width) & (row >= 0) & (row < height)
        col, row = np.clip(col, 0, width - 1), np.clip(row, 0, height - 1)
        found = inside & valid[row, col]
        picked = samples[row, col][..., numbers]
        if mode != "nearest":
            how = cv2.INTER_LINEAR if mode == "bilinear" else cv2.INTER_CUBIC
            x, y = ((p / shrink - 0.5).astype(np.float32) for p in (cols, rows))
            chosen = np.ascontiguousarray(samples[..., numbers])
            picked = cv2.remap(chosen, x, y, how, borderMode=cv2.BORDER_REPLICATE)
        return np.where(found[..., None], picked, 0).astype(self.samples.dtype), found

    def _positions(self, grid: Grid) -> tuple[Samples, Samples]:
        a, b, c, d, e, f = grid.transform
        col, row = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
        x, y = a * col + b * row + c, d * col + e * row + f
        if grid.crs != self.crs:
            x, y = transformer(grid.crs, self.crs).transform(x, y)
        a, b, c, d, e, f = self.transform
        assert b == d == 0
        return (x - c) / a, (y - f) / e

    def _level(self, cols: Samples, rows: Samples) -> int:
        if min(cols.shape) < 2:
            return 0
        ratio = np.hypot(cols[0, 1] - cols[0, 0], rows[0, 1] - rows[0, 0])
        level = max(0, int(np.log2(max(ratio, 1)) + 1e-6))
        while len(self._levels) <= level and min(self._levels[-1][0].shape[:2]) >= 4:
            samples, valid = self._levels[-1]
            height, width = (side // 2 * 2 for side in samples.shape[:2])
            size = (width // 2, height // 2)
            smaller = cv2.resize(samples[:height, :width], size, interpolation=cv2.INTER_AREA)
            known = cv2.resize(valid[:height, :width].astype(np.uint8), size) > 0
            self._levels.append((smaller.reshape(*size[::-1], -1), known))
        return min(level, len(self._levels) - 1)


def from_raster(asset_id: str, path: Path, bands: Sequence[str], **fields: Any) -> EarthImage:
    """Make an asset of a file."""
    with rasterio.open(path) as file:
        samples = np.moveaxis(file.read(list(range(1, len(bands) + 1))), 0, -1)
        transform = tuple(file.transform)[:6]
        crs = file.crs.to_string()
    return EarthImage(asset_id, np.ascontiguousarray(samples), bands, crs, transform, **fields)


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode(
    samples: Samples, valid: npt.NDArray[np.bool_], form: str, bands: Sequence[str]
) -> tuple[str, bytes]:
    """Give the content type and the body for pixels in one of the service's formats."""
    if form == "NPY":
        fields = np.dtype([(band, samples.dtype) for band in bands])
        array = np.zeros(samples.shape[:2], fields)
        for number, band in enumerate(bands):
            array[band] = samples[..., number]
        buffer = io.BytesIO()
        np.save(buffer, array)
        return "application/octet-stream", buffer.getvalue()
    if form == "JPEG" or (form == "AUTO_JPEG_PNG" and valid.all()):
        buffer = io.BytesIO()
        Image.fromarray(samples).save(buffer, "JPEG", quality=85)
        return "image/jpeg", buffer.getvalue()
    buffer = io.BytesIO()
    alpha = np.where(valid, 255, 0).astype(np.uint8)
    Image.fromarray(np.dstack([samples, alpha])).save(buffer, "PNG", compress_level=1)
    return "image/png", buffer.getvalue()
