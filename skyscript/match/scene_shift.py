"""Corrects where an image lies, by the shift of its scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from skyscript.geo.tile import Box, degrees_box, mercator_box, scale_in

OUT_OF_IMAGE = "the corrected shift moves the object out of the image"

Shift = tuple[float, float]
"""Metres to the east and to the north by which the map must be moved to lie on the image."""


def shifts_to_correct(scene_shifts: ds.Dataset) -> dict[str, Shift]:
    """Give the shifts, by scene, that the config asks to correct."""
    columns = ["scene_id", "dx_m", "dy_m"]
    rows = scene_shifts.to_table(columns=columns, filter=pc.field("corrected")).to_pylist()
    return {row["scene_id"]: (row["dx_m"], row["dy_m"]) for row in rows}


def corrected(
    image: Mapping[str, Any], focus: Mapping[str, Any], shifts: Mapping[str, Shift]
) -> Mapping[str, Any]:
    """Give a row of ``images`` whose box says which part of the map its pixels show.

    What the map has at a place is in the image at that place plus the shift; so the box moves the
    other way. The row becomes filtered if ``focus``, the row of its object, has no part in the
    image then. A row without a shift is given unchanged.
    """
    if image["status"] != STATUS_OK or image["scene_id"] not in shifts:
        return image
    east, north = shifts[image["scene_id"]]
    box = mercator_box(Box.of(image))
    metre = scale_in(box)
    right, up = east * metre, north * metre
    moved = degrees_box(Box(box.west - right, box.south - up, box.east - right, box.north - up))
    its = Box.of(focus)
    if (
        its.west > moved.east
        or its.east < moved.west
        or its.south > moved.north
        or its.north < moved.south
    ):
        return {**image, "status": STATUS_FILTERED, "reason": OUT_OF_IMAGE}
    return {**image, **moved._asdict()}
