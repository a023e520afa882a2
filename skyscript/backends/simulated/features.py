"""Turns rows of the table ``objects`` into shapes in pixels, for drawing."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from skyscript import chance
from skyscript.backends.simulated.noise import SEED, Grid
from skyscript.geo.tile import project
from skyscript.osm.underground import hidden_from_above

Points = npt.NDArray[np.float64]
"""n x 2, in pixels of the canvas."""
Geometries = npt.NDArray[Any]

POINT, LINE, AREA = 0, 1, 2
_FAR = 2.0
"""An area is clipped at this many tile sides outside the tile."""
_FARTHEST = 5e6
"""The limit of coordinates in pixels, because OpenCV uses 32-bit numbers."""


class Frame(NamedTuple):
    """The smallest box around an area: centre, direction of its long side, sides."""

    x: float
    y: float
    angle: float
    length: float
    width: float

    def to_pixels(self, points: Points, scale: float = 1.0) -> Points:
        """Give points of the frame (along and across, from its centre) as pixels."""
        cos, sin = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        result: Points = points @ np.array([[cos, sin], [-sin, cos]]) + (self.x, self.y)
        return result

    def from_pixels(self, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[Points, Points]:
        """Give how far pixels are along and across the frame, from its centre."""
        x, y = x - self.x, y - self.y
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return x * cos + y * sin, y * cos - x * sin

    def across(self) -> Frame:
        """Give the frame rotated by a right angle."""
        return Frame(self.x, self.y, self.angle + math.pi / 2, self.width, self.length)


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
    """The whole first outer ring of an area; else the first part."""
    size: float = 0.0
    """Area in square pixels, length in pixels, or 0."""
    turn: float | None = None
    """The direction of a point in radians, if its tags give one."""

    def uniform(self, purpose: str) -> float:
        """Draw a number from [0, 1), equal for the object in every tile."""
        return chance.uniform(SEED, self.object_id, purpose)

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


def point(name: str, place: Points, turn: float) -> Feature:
    """Give a point in pixels with a direction in radians."""
    return Feature(name, {}, POINT, [place[None]], place[None], turn=turn)


def features(objects: pa.Table, window: Grid) -> list[Feature]:
    """Give the objects that can be drawn; rows without a usable geometry are skipped."""
    given, wkb = objects["tags"].to_pylist(), objects["geometry"].to_pylist()
    tags = [{key: value for key, value in row or () if value} for row in given]
    is_seen = [bool(row) and not hidden_from_above(row) for row in tags]
    seen = [each if show else None for each, show in zip(wkb, is_seen, strict=True)]
    geometries = shapely.from_wkb(np.array(seen, dtype=object), on_invalid="ignore")
    # neither nothing nor an empty geometry has finite bounds
    rows = np.flatnonzero(np.isfinite(shapely.bounds(geometries)).all(axis=1))

    def pixels(degrees: Points) -> Points:
        x, y = project(degrees).T
        place = np.stack((x - window.west, window.north - y), axis=1) / window.pixel
        return np.clip(place, -_FARTHEST, _FARTHEST)

    whole = shapely.transform(geometries[rows], pixels)
    near = _cut_off(whole, window)
    dimensions, parts = shapely.get_dimensions(near), _parts(near)
    sizes = np.where(dimensions == AREA, shapely.area(near), shapely.length(near))
    outlines, ids = _parts(whole), objects["object_id"].to_pylist()
    return [
        Feature(ids[row], tags[row], int(dimensions[at]), parts[at], outlines[at][0], sizes[at])
        for at, row in enumerate(rows.tolist())
        if at in parts
    ]


def _cut_off(geometries: Geometries, window: Grid) -> Geometries:
    """Clip huge areas to the tile's surroundings, so that their coordinates stay small."""
    reach = _FAR * max(window.width, window.height)
    view = np.array((-reach, -reach, window.width + reach, window.height + reach))
    out = ((shapely.bounds(geometries) - view) * (1, 1, -1, -1) < 0).any(axis=1)
    result = geometries.copy()
    for index in np.flatnonzero(out & (shapely.get_dimensions(geometries) == AREA)):
        with suppress(shapely.GEOSException):
            result[index] = shapely.clip_by_rect(geometries[index], *view)
    return result


def _parts(geometries: Geometries) -> dict[int, list[Points]]:
    """Give the rings, lines or points of each geometry: those of its highest dimension."""
    outer, owners = shapely.get_parts(geometries, return_index=True)
    parts, inner = shapely.get_parts(outer, return_index=True)  # collections hold collections
    owners = owners[inner]
    fits = shapely.get_dimensions(parts) == shapely.get_dimensions(geometries)[owners]
    fits &= ~shapely.is_empty(parts)
    parts, owners = parts[fits], owners[fits]
    is_area = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, of = shapely.get_rings(parts[is_area], return_index=True)
    pieces = np.concatenate((rings, parts[~is_area]))
    owners = np.concatenate((owners[is_area][of], owners[~is_area])).tolist()
    ends = np.cumsum(shapely.get_num_coordinates(pieces))[:-1]
    result: dict[int, list[Points]] = {}
    for piece, owner in zip(np.split(shapely.get_coordinates(pieces), ends), owners, strict=False):
        result.setdefault(owner, []).append(piece)
    return result
