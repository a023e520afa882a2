"""The box of a run: objects outside of it get no tile, and remain as context of the others' tiles.

As in GeoJSON (RFC 7946), a box whose west is greater than its east crosses 180 degrees.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator

from skyscript.geo.tile import HALF_GLOBE, Box, Points

OUTSIDE = "outside `bbox`"
"""The reason for an object that gets no tile by this rule."""
Sides = tuple[float, float, float, float]
"""West, south, east and north in degrees."""


def checked(sides: Sides) -> Sides:
    """Give the same sides; raises `ValueError` if they are no box."""
    west, south, east, north = sides
    if not (max(abs(west), abs(east)) <= 180 and -90 <= south < north <= 90):
        raise ValueError("write west, south, east, north in degrees, with south below north")
    if west == east or (west > east and east + 360 - west > HALF_GLOBE):
        raise ValueError(
            "west must be below east; it may be above it if the box crosses 180 degrees and is at "
            "most 180 degrees wide"
        )
    return sides


Bbox = Annotated[Sides, AfterValidator(checked)]


def pieces_of(bbox: Sides) -> list[Box]:
    """Give the box, or its two parts beside 180 degrees."""
    west, south, east, north = bbox
    if west < east:
        return [Box(*bbox)]
    return [Box(west, south, 180.0, north), Box(-180.0, south, east, north)]


def within_bbox(places: Points, bbox: Sides) -> npt.NDArray[np.bool_]:
    """Tell for each place (longitude, latitude) whether it lies in the box or on its edge."""
    lon, lat = places[:, 0], places[:, 1]
    west, south, east, north = bbox
    across = (west <= lon) | (lon <= east) if west > east else (west <= lon) & (lon <= east)
    inside: npt.NDArray[np.bool_] = across & (south <= lat) & (lat <= north)
    return inside
