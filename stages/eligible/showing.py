"""Which sources can show an object, by their outlines: the finest GSD, or the reason for none.

The rules are those of the stage `plan`, as far as they are certain before an image is known: the
place of a point or of an area's centre, or a part of a line's box, must lie in an outline; the GSD
must suit the object's tags; an area must have enough pixels, and not too many; and a tile must show
enough of a point or a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from skyscript.geo.antimeridian import are_of_both_sides, is_wide, middles
from skyscript.geo.tile import (
    ANTIMERIDIAN,
    MAX_LATITUDE,
    TOO_POLAR,
    Box,
    Points,
    project,
    to_degrees,
)
from skyscript.table_cache import cached_by_files
from stages.eligible.config import EligibleConfig

NOT_COVERED = "no source covers it"
NOT_SHARP = "no source that covers it is sharp enough at this `gsd_slack`"
TOO_SMALL = "too small for every source that covers it"
TOO_LARGE = "too large for every source that covers it"
OUT_OF_VIEW = "the tiles of every source that covers it show too little of it"

_GSDS = ("finest_gsd", "coarsest_gsd")
Floats = npt.NDArray[np.float64]
_SPARE = 1.01
"""A side is measured a hundredth too long where it must not be too short, and the reverse: NumPy's
last bits depend on the processor, and `plan` measures exactly."""


class Outlines(NamedTuple):
    """The table ``outlines`` in memory."""

    tree: shapely.STRtree
    finest: Floats
    """GSD."""
    coarsest: Floats


def _outlines(table: pa.Table) -> Outlines:
    areas = shapely.from_wkb(table.column("geometry").to_numpy())
    return Outlines(shapely.STRtree(areas), *(table.column(name).to_numpy() for name in _GSDS))


read_outlines = cached_by_files(_outlines, ["geometry", *_GSDS])
"""Gives the outlines from a dataset of the table."""


class Objects(NamedTuple):
    """The columns of the objects that decide which sources can show them."""

    boxes: Floats
    """A row of west, south, east, north for each."""
    wide_lines: Mapping[int, shapely.Geometry]
    """The lines wider than half the globe, by their row: their boxes say little."""
    is_area: npt.NDArray[np.bool_]
    is_line: npt.NDArray[np.bool_]
    max_gsds: Floats
    """The coarsest GSD at which each can be seen, `gsd_slack` included."""
    least_views: Floats
    """The smallest extent of view that shows enough of a point or a line, `gsd_slack` included."""

    @classmethod
    def of(cls, table: pa.Table, max_gsds: Floats, least_views: Floats) -> Objects:
        """Take them from rows of the table ``boxes``, all with a box."""
        kinds = table.column("kind").to_numpy()
        boxes = np.column_stack([table.column(side).to_numpy() for side in Box._fields])
        wide = np.flatnonzero((kinds == "w") & is_wide(boxes))
        shapes = shapely.from_wkb(table.column("geometry").take(pa.array(wide)).to_numpy())
        lines = dict(zip(wide.tolist(), shapes, strict=True))
        return cls(boxes, lines, np.isin(kinds, ["a", "r"]), kinds == "w", max_gsds, least_views)


def showing(
    objects: Objects, outlines: Outlines, config: EligibleConfig
) -> tuple[Floats, npt.NDArray[np.object_]]:
    """Give for each object the finest GSD that shows it, and the reason if there is none."""
    number, outline = outlines.tree.query(_places(objects), predicate="intersects")
    gsd, coarsest = outlines.finest[outline], outlines.coarsest[outline]
    longer = _longer_sides(objects)[number]
    tests = {
        NOT_COVERED: np.ones(len(gsd), np.bool_),
        NOT_SHARP: gsd <= objects.max_gsds[number],
        TOO_SMALL: ~objects.is_area[number] | (_SPARE * longer >= gsd * config.min_extent),
        OUT_OF_VIEW: objects.is_area[number]
        | (objects.least_views[number] <= coarsest * config.object_side[1] * _SPARE),
        TOO_LARGE: ~objects.is_area[number] | (longer <= coarsest * config.max_side * _SPARE),
    }
    reasons = np.full(len(objects.boxes), None, object)
    passed = np.ones(len(gsd), np.bool_)
    for reason, is_fit in tests.items():
        passed &= is_fit
        left = np.zeros(len(objects.boxes), np.bool_)
        left[number[passed]] = True
        reasons[~left & (reasons == None)] = reason  # noqa: E711 - elementwise
    finest = np.full(len(objects.boxes), np.inf)
    np.minimum.at(finest, number[passed], gsd[passed])
    reasons[are_of_both_sides(objects.boxes) & ~objects.is_line] = ANTIMERIDIAN
    _, south, _, north = objects.boxes.T
    reasons[np.maximum(-south, north) > MAX_LATITUDE] = TOO_POLAR
    return finest, reasons


def _places(objects: Objects) -> npt.NDArray[np.object_]:
    """Give the box of each line, or itself if it is wide, and the centre of any other object."""
    west, south, east, north = objects.boxes.T
    places = np.empty(len(objects.boxes), object)
    places[:] = shapely.points(centres(objects.boxes))
    lines = objects.is_line
    places[lines] = shapely.box(west[lines], south[lines], east[lines], north[lines])
    for row, shape in objects.wide_lines.items():
        places[row] = shape
    return places


def centres(boxes: Floats) -> Points:
    """Give longitude and latitude of the centre of each box, as `plan` centres tiles on them."""
    _, south, _, north = boxes.T
    low, high = project(boxes[:, :2]), project(boxes[:, 2:])
    middle = (low[:, 1] + high[:, 1]) / 2
    lat = np.array([to_degrees(0, y)[1] for y in middle])
    return np.column_stack([middles(boxes), np.where(south == north, south, lat)])


def _longer_sides(objects: Objects) -> Floats:
    """Give the longer side of each box in metres on the ground."""
    west, south, east, north = objects.boxes.T
    scale = np.cos(np.radians((south + north) / 2))
    size = project(np.column_stack([east, north])) - project(np.column_stack([west, south]))
    longer: Floats = size.max(axis=1) * scale
    return longer
