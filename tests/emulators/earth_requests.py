"""What the emulated Earth Engine takes and refuses in a request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyproj
from shapely.geometry import shape

from tests.emulators.earth_images import EarthImage, Grid, Samples, invalid

MOST_BYTES = 50331648
FORMATS = {"JPEG", "PNG", "AUTO_JPEG_PNG", "NPY"}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "=": lambda one, other: one == other,
}
_TIME = re.compile(r'(startTime|endTime)\s*(<=|>=|<|>)\s*"([^"]+)"')
_REGION = re.compile(r'intersects\("([^"]+)"\)')
_PROPERTY = re.compile(r"properties\.(\w+)\s*(<=|>=|<|>|=)\s*(-?[\d.]+)")


def check_fields(body: Mapping[str, Any], known: set[str]) -> None:
    for name in body:
        if name not in known:
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
            )


def pixel_grid(body: Mapping[str, Any]) -> Grid:
    """Read the grid of a request for pixels; refuse one that is missing, odd or too large."""
    grid = body.get("grid")
    if not grid:
        raise invalid("Pixel grid dimensions must be specified.")
    check_fields(grid, {"affineTransform", "crsCode", "crsWkt", "dimensions"})
    affine, size = grid.get("affineTransform") or {}, grid.get("dimensions") or {}
    check_fields(affine, {"scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY"})
    check_fields(size, {"width", "height"})
    width, height = size.get("width", 0), size.get("height", 0)
    if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
        raise invalid("Pixel grid dimensions must be positive whole numbers.")
    if max(width, height) > 32768:
        raise invalid("Pixel grid dimensions must be less than or equal to 32768.")
    crs = grid.get("crsCode") or grid.get("crsWkt")
    if not crs or not affine.get("scaleX") or not affine.get("scaleY"):
        raise invalid("Pixel grid needs a CRS and an affine transform.")
    try:
        pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        raise invalid(f"The CRS '{crs}' could not be parsed.") from None
    names = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
    transform = tuple(float(affine.get(name, 0)) for name in names)
    return Grid(crs, transform, width, height)  # type: ignore[arg-type]


def check_size(grid: Grid, bands: int, sample_bytes: int) -> None:
    size = grid.width * grid.height * bands * sample_bytes
    if size > MOST_BYTES:
        raise invalid(
            f"Total request size ({size} bytes) must be less than or equal to {MOST_BYTES} bytes."
        )


def drawing(samples: Samples, form: str, options: Mapping[str, Any] | None) -> Samples:
    """Apply visualisation options; refuse what the format cannot hold."""
    if form not in FORMATS:
        raise invalid(f"Invalid value at 'file_format': \"{form}\"")
    if options and form == "NPY":
        raise invalid("Visualization options are not supported with this file format.")
    if form != "NPY" and samples.shape[2] not in (1, 3):
        raise invalid("Must specify 1 or 3 bands for this file format.")
    if form != "NPY" and not options and samples.dtype != np.uint8:
        raise invalid("Image needs 8-bit bands or visualization options for this file format.")
    if not options:
        return samples
    check_fields(options, {"ranges", "paletteColors", "gamma", "opacity"})
    ranges = options.get("ranges", [])
    if len(ranges) not in (1, samples.shape[2]):
        raise invalid("Number of ranges must be 1 or the number of bands.")
    for item in ranges:
        check_fields(item, {"min", "max"})
    low = np.array([item["min"] for item in ranges], float)
    high = np.array([item["max"] for item in ranges], float)
    if not (low < high).all():
        raise invalid("Visualization range min must be less than max.")
    share = np.clip((samples.astype(float) - low) / (high - low), 0, 1)
    colours: Samples = np.rint(255 * share ** (1 / options.get("gamma", 1))).astype(np.uint8)
    return colours


def asset_filter(text: str) -> Callable[[EarthImage], bool]:
    """Read a filter of listAssets; refuse a clause that is none of the known ones."""
    clauses = [_clause(clause) for clause in text.split(" AND ")] if text else []
    return lambda image: all(clause(image) for clause in clauses)


def _clause(text: str) -> Callable[[EarthImage], bool]:
    if found := _TIME.fullmatch(text):
        name, sign, given = found.groups()
        time = datetime.fromisoformat(given.replace("Z", "+00:00")).astimezone(UTC)
        compare = _COMPARE[sign]
        if name == "startTime":
            return lambda image: compare(image.start, time)
        return lambda image: compare(image.end or image.start, time)
    if found := _REGION.fullmatch(text):
        region = shape(json.loads(found.group(1).replace("'", '"')))
        return lambda image: bool(image.footprint().intersects(region))
    if found := _PROPERTY.fullmatch(text):
        name, sign, given = found.groups()
        compare = _COMPARE[sign]
        return lambda image: (
            name in image.properties and compare(image.properties[name], float(given))
        )
    raise invalid(f"Could not parse the filter at: {text}")


def partial(answer: dict[str, Any], fields: str) -> dict[str, Any]:
    """Keep what the parameter ``fields`` names: ``nextPageToken,assets(id,geometry)``."""
    if not fields:
        return answer
    found = re.fullmatch(r"nextPageToken,assets\(([\w,]+)\)", fields)
    if not found:
        raise invalid(f"Invalid field selection {fields}")
    kept = set(found.group(1).split(","))
    known = {"id", "name", "type", "startTime", "endTime", "geometry", "bands", "properties"}
    if kept - known:
        raise invalid(f"Invalid field selection {sorted(kept - known)[0]}")
    assets = [{k: v for k, v in asset.items() if k in kept} for asset in answer["assets"]]
    return {**answer, "assets": assets}
