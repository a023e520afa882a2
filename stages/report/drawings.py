"""The objects in an image as SVG paths in its pixels, to be drawn over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box, mercator_box, project
from skyscript.imagery.grid import PixelGrid

MOST = 40
"""Objects drawn over an image, at most: the focus object, then those that cover most of it."""
_TOLERANCE = 0.7
"""Pixels by which a line may be off."""

Row = Mapping[str, Any]


class Drawing(NamedTuple):
    """An object over an image."""

    object_id: str
    path: str
    """SVG path data in whole pixels; a point is a move without a line."""
    is_area: bool


def draw_objects(rows: Sequence[Row], objects: ds.Dataset) -> Iterator[list[Drawing]]:
    """Yield the drawings of each row of the table ``pairs``, in order."""
    near = objects_near(objects, [Box.of(row) for row in rows], ("object_id", "geometry"))
    wanted = {name for row in rows for name in _shown(row)}
    near = near.filter(
        pa.array([name in wanted for name in near["object_id"].to_pylist()], pa.bool_())
    )
    degrees = shapely.from_wkb(near["geometry"].to_numpy(zero_copy_only=False))
    metres = shapely.make_valid(shapely.transform(degrees, project))
    known = dict(zip(near["object_id"].to_pylist(), metres, strict=True))
    for row in rows:
        yield list(_draw(row, known))


def _shown(row: Row) -> list[str]:
    around = sorted(row["surrounding"], key=lambda one: (-one["share"], one["distance"]))
    names = [row["object_id"], *(one["object_id"] for one in around)]
    return list(dict.fromkeys(names))[:MOST]


def _draw(row: Row, known: Mapping[str, shapely.Geometry]) -> Iterator[Drawing]:
    grid = PixelGrid(row["crs"], tuple(row["transform"]), row["width"], row["height"])
    box = mercator_box(Box.of(row))
    for name in _shown(row):
        if name not in known:
            continue
        part = shapely.clip_by_rect(known[name], *box)
        if shapely.is_empty(part):
            continue
        part = shapely.simplify(shapely.transform(part, grid.pixels), _TOLERANCE)
        pieces = list(_pieces(part))
        if path := "".join(path for path, _ in pieces):
            yield Drawing(name, path, any(is_area for _, is_area in pieces))


def _pieces(geometry: shapely.Geometry) -> Iterator[tuple[str, bool]]:
    """Yield the path of each part of a geometry, and whether it is an area."""
    for part in shapely.get_parts(geometry):
        if hasattr(part, "geoms"):
            yield from _pieces(part)
        elif part.geom_type == "Polygon":
            for ring in (part.exterior, *part.interiors):
                if not ring.is_empty:
                    yield f"{_line(ring)}Z", True
        elif not part.is_empty:
            yield _line(part), False


def _line(geometry: shapely.Geometry) -> str:
    points = np.round(shapely.get_coordinates(geometry)).astype(int).tolist()
    return "M" + "L".join(f"{x} {y}" for x, y in points)
