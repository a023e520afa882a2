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
from skyscript.backends.simulated.noise import Grid
from skyscript.geo.tile import project
from skyscript.osm.underground import hidden_from_above

Points = npt.NDArray[np.float64]
"""n x 2, in pixels of the canvas."""
Geometries = npt.NDArray[Any]

POINT, LINE, AREA = 0, 1, 2
SEED = 0
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

    def from_pixels(self, points: Points) -> Points:
        """Give pixels as points of the frame."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        result: Points = (points - (self.x, self.y)) @ np.array([[cos, -sin], [sin, cos]])
        return result

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


def features(objects: pa.Table, window: Grid) -> list[Feature]:
    """Give the objects that can be drawn; rows without a usable geometry are skipped."""
    tags = [
        {key: value for key, value in row or () if value} for row in objects["tags"].to_pylist()
    ]
    seen = np.array([bool(row) and not hidden_from_above(row) for row in tags], bool)
    wkb = np.array(objects["geometry"].to_pylist(), dtype=object)
    geometries = np.full(len(tags), None, dtype=object)
    geometries[seen] = shapely.from_wkb(wkb[seen], on_invalid="ignore")
    usable = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    usable &= np.isfinite(shapely.bounds(geometries)).all(axis=1)
    rows = np.flatnonzero(usable)

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
    result: dict[int, list[Points]] = {}
    for part, owner in zip(parts[fits], owners[fits].tolist(), strict=True):
        rings = shapely.get_rings(part) if part.geom_type == "Polygon" else [part]
        result.setdefault(owner, []).extend(map(shapely.get_coordinates, rings))
    return result
