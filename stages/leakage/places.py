"""Finds pairs of images that show the same place, by their boxes in degrees."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import shapely

from skyscript.geo.antimeridian import cut_at_antimeridian
from skyscript.geo.tile import Box, mercator_scale
from stages.leakage.matches import MOST, Match
from stages.leakage.pictures import Picture

_METRES = 111_195.0
"""Metres of one degree on the sphere."""


class PlaceIndex:
    """The boxes of some images, each made larger on every side by some metres."""

    def __init__(self, pictures: Sequence[Picture], apart: float) -> None:
        self._pictures = [picture for picture in pictures if picture.box]
        self._tree = shapely.STRtree(
            [_outline(picture.box, apart) for picture in self._pictures if picture.box]
        )

    def __len__(self) -> int:
        return len(self._pictures)

    def matches(self, ours: Sequence[Picture]) -> Iterator[Match]:
        """Yield the pairs of one place, the nearest of each image first."""
        placed = [picture for picture in ours if picture.box]
        outlines = [_outline(picture.box, 0.0) for picture in placed if picture.box]
        rows, numbers = self._tree.query(outlines, predicate="intersects")
        for row in np.unique(rows).tolist():
            found = [
                self._match(placed[row], self._pictures[number])
                for number in numbers[rows == row].tolist()
            ]
            found.sort(key=lambda match: (match.distance, match.benchmark, match.theirs))
            yield from found[:MOST]

    def _match(self, ours: Picture, theirs: Picture) -> Match:
        assert ours.box and theirs.box
        distance = _metres_between(ours.box, theirs.box)
        overlap = _share(_outline(theirs.box, 0.0), _outline(ours.box, 0.0))
        return Match.of(ours, theirs, "place", distance, overlap)


def _outline(box: Box, apart: float) -> shapely.Geometry:
    """Give the area of a box, cut at the antimeridian, or its point if it has no size."""
    widest = max(abs(box.south), abs(box.north)) + apart / _METRES
    north = apart / _METRES
    east = north * mercator_scale(min(widest, 89.9))
    end = box.east + (360 if box.east < box.west else 0)
    sides = (box.west - east, box.south - north, end + east, box.north + north)
    if sides[0] == sides[2] and sides[1] == sides[3]:
        return shapely.Point(sides[:2])
    outline = shapely.box(*sides)
    return outline if sides[0] >= -180 and sides[2] <= 180 else cut_at_antimeridian(outline)


def _share(theirs: shapely.Geometry, ours: shapely.Geometry) -> float | None:
    """Give the share of a benchmark's box that an image covers; None for a point."""
    area = shapely.area(theirs)
    return float(shapely.area(shapely.intersection(theirs, ours)) / area) if area else None


def _metres_between(one: Box, other: Box) -> float:
    """Give the distance between the centres of two boxes on the sphere, in metres."""
    (x, y), (u, v) = map(_centre, (one, other))
    across = math.sin((v - y) / 2) ** 2
    along = math.cos(y) * math.cos(v) * math.sin((u - x) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(across + along)))) * _METRES


def _centre(box: Box) -> tuple[float, float]:
    """Give longitude and latitude of a box's centre, in radians."""
    east = box.east + (360 if box.east < box.west else 0)
    return math.radians((box.west + east) / 2), math.radians((box.south + box.north) / 2)
