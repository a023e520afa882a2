"""OSM objects as shapes in pixels: rows of the table ``objects`` made ready for drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from skyscript import chance
from skyscript.geo.tile import EARTH_RADIUS, MAX_LATITUDE
from skyscript.osm.underground import hidden_from_above

Points = npt.NDArray[np.float64]
"""n x 2, in pixels of the canvas."""

_SEED = 0
_POINT, _LINE, _AREA = 0, 1, 2
_FAR = 2.0
"""An area that reaches further out of the tile than this many tile sides is cut off."""

_FARTHEST = 5e6
"""Pixels from the corner beyond which positions are brought nearer: OpenCV counts in 32 bit."""


class Frame(NamedTuple):
    """The box that hugs an area: centre, direction of its long side, sides; pixels, radians."""

    x: float
    y: float
    angle: float
    length: float
    width: float


@dataclass(eq=False)
class Feature:
    """An object to draw."""

    object_id: str
    tags: dict[str, str]
    dimension: int
    """0 point, 1 line, 2 area."""
    parts: list[Points]
    """Rings (outer and inner) of an area, lines, or points of one row each."""
    outline: Points
    """Of an area: the first outer ring, whole. Else the first part."""
    size: float = field(default=0.0)
    """Area in square pixels, length in pixels, or 0."""

    @property
    def is_area(self) -> bool:
        """Whether it has an inside."""
        return self.dimension == _AREA

    @property
    def is_line(self) -> bool:
        """Whether it is a line."""
        return self.dimension == _LINE

    def uniform(self, purpose: str) -> float:
        """Draw from [0, 1): the same number for the object wherever it is drawn."""
        return chance.uniform(_SEED, self.object_id, purpose)

    def seed(self, purpose: str) -> int:
        """Give a seed for the cells of a pattern."""
        return int(self.uniform(purpose) * 2**48)

    @cached_property
    def centre(self) -> tuple[float, float]:
        """The middle of the frame, the line or the point."""
        if self.is_area:
            return self.frame.x, self.frame.y
        x, y = self.outline[len(self.outline) // 2]
        return float(x), float(y)

    @cached_property
    def frame(self) -> Frame:
        """The smallest box around the outline, turned so that it does not depend on the tile."""
        origin = self.outline[0]
        local = np.round(self.outline - origin, 2).astype(np.float32)
        (x, y), (length, width), degrees = cv2.minAreaRect(local)
        angle = degrees % 180
        if length < width * 0.98:
            length, width, angle = width, length, (angle + 90) % 180
        elif length < width * 1.02 and angle >= 90:
            angle -= 90  # a square has two long sides: take the one near the east
        return Frame(x + origin[0], y + origin[1], math.radians(angle), length, width)


@dataclass(frozen=True)
class Window:
    """The place that a canvas shows: EPSG:3857 corner (north-west), pixel in its metres."""

    west: float
    north: float
    pixel: float
    width: int
    height: int


def features(objects: pa.Table, window: Window) -> list[Feature]:
    """Give the objects that can be drawn; rows without a usable geometry are passed over."""
    rows = objects.combine_chunks()
    tags = _tags(rows.column("tags"))
    keep = [index for index, row in enumerate(tags) if row and not hidden_from_above(row)]
    if not keep:
        return []
    geometries = shapely.from_wkb(
        np.array([rows.column("geometry")[index].as_py() for index in keep], dtype=object),
        on_invalid="ignore",
    )
    ids = rows.column("object_id").take(keep).to_pylist()
    shapes = _shapes(geometries, window)
    return [
        Feature(ids[at], tags[keep[at]], *shape)
        for at, shape in enumerate(shapes)
        if shape is not None
    ]


def _tags(column: pa.ChunkedArray) -> list[dict[str, str]]:
    result: list[dict[str, str]] = []
    for chunk in column.chunks:
        offsets = chunk.offsets.to_pylist()
        base = offsets[0] if offsets else 0
        keys = chunk.keys.to_pylist()
        values = chunk.items.to_pylist()
        if len(keys) == (offsets[-1] - base if offsets else 0):
            offsets = [offset - base for offset in offsets]
        for start, end in pairwise(offsets):
            result.append(
                {k: v for k, v in zip(keys[start:end], values[start:end], strict=True) if v}
            )
    return result


def _projected(coordinates: Points, window: Window) -> Points:
    latitude = np.clip(coordinates[:, 1], -MAX_LATITUDE - 1, MAX_LATITUDE + 1)
    x = EARTH_RADIUS * np.radians(coordinates[:, 0])
    y = EARTH_RADIUS * np.arcsinh(np.tan(np.radians(latitude)))
    pixels = np.stack(((x - window.west) / window.pixel, (window.north - y) / window.pixel), axis=1)
    return np.clip(pixels, -_FARTHEST, _FARTHEST)


def _view(window: Window) -> tuple[float, float, float, float]:
    """Give the box in degrees, ``_FAR`` tile sides larger all around."""
    reach = _FAR * max(window.width, window.height)
    corners = np.array([[-reach, window.height + reach], [window.width + reach, -reach]])
    x = window.west + corners[:, 0] * window.pixel
    y = window.north - corners[:, 1] * window.pixel
    lon = np.degrees(x / EARTH_RADIUS)
    lat = np.degrees(np.arctan(np.sinh(y / EARTH_RADIUS)))
    return float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1])


def _cut_off(geometries: npt.NDArray[Any], window: Window) -> npt.NDArray[Any]:
    """Cut huge areas to the tile's surroundings, so that their pixels stay small numbers."""
    view = _view(window)
    bounds = shapely.bounds(geometries)
    dimension = shapely.get_dimensions(geometries)
    out = (bounds[:, :2] < view[:2]).any(axis=1) | (bounds[:, 2:] > view[2:]).any(axis=1)
    result = geometries.copy()
    for index in np.flatnonzero(out & (dimension == _AREA)):
        try:
            result[index] = shapely.clip_by_rect(geometries[index], *view)
        except shapely.GEOSException:
            result[index] = geometries[index]
    return result


Shape = tuple[int, list[Points], Points, float]


def _shapes(geometries: npt.NDArray[Any], window: Window) -> Sequence[Shape | None]:
    """Give each geometry as (dimension, parts in pixels, outline, size)."""
    result: list[Shape | None] = [None] * len(geometries)
    usable = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    usable &= np.isfinite(shapely.bounds(geometries)).all(axis=1)
    places = np.flatnonzero(usable)
    if not len(places):
        return result
    whole = geometries[places]
    cut = _cut_off(whole, window)
    rings, owners, dimensions = _rings(cut)
    if not len(rings):
        return result
    pixels = _projected(shapely.get_coordinates(rings), window)
    pieces = np.split(pixels, np.cumsum(shapely.get_num_coordinates(rings))[:-1])
    highest = shapely.get_dimensions(cut)
    parts: dict[int, list[Points]] = {}
    fits = (dimensions == highest[owners]).tolist()
    for piece, owner, fit in zip(pieces, owners.tolist(), fits, strict=True):
        if fit and len(piece) > highest[owner]:
            parts.setdefault(owner, []).append(piece)
    areas = _areas(cut, window)
    for owner, own in parts.items():
        dimension = int(highest[owner])
        clipped = cut[owner] is not whole[owner]
        outline = _outline(whole[owner], window) if clipped else own[0]
        size = float(areas[owner]) if dimension == _AREA else _length(own)
        result[places[owner]] = (dimension, own, outline, size)
    return result


def _rings(geometries: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Any, Any]:
    """Give every ring, line and point, with its owner's index and its dimension."""
    outer, owners = shapely.get_parts(geometries, return_index=True)
    parts, inner = shapely.get_parts(outer, return_index=True)  # collections hold collections
    owners = owners[inner]
    is_area = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, of = shapely.get_rings(parts[is_area], return_index=True)
    rest = ~is_area & ~shapely.is_empty(parts)
    pieces = np.concatenate((rings, parts[rest]))
    owners = np.concatenate((owners[is_area][of], owners[rest]))
    lower = shapely.get_dimensions(parts[rest])
    dimensions = np.concatenate((np.full(len(rings), _AREA), lower))
    order = np.argsort(owners, kind="stable")
    return pieces[order], owners[order], dimensions[order]


def _areas(geometries: npt.NDArray[Any], window: Window) -> npt.NDArray[np.float64]:
    bounds = shapely.bounds(geometries)
    latitude = np.radians(np.clip((bounds[:, 1] + bounds[:, 3]) / 2, -MAX_LATITUDE, MAX_LATITUDE))
    degree = EARTH_RADIUS * math.radians(1) / window.pixel
    result: npt.NDArray[np.float64] = shapely.area(geometries) * degree**2 / np.cos(latitude)
    return result


def _outline(geometry: Any, window: Window) -> Points:  # noqa: ANN401 - a shapely geometry
    parts = shapely.get_parts(geometry)
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return _projected(shapely.get_coordinates(shapely.get_exterior_ring(polygons[0])), window)


def _length(lines: list[Points]) -> float:
    return float(sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines))
