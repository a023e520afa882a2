"""Objects in or beside images that are none of their things, but of which a part may be seen.

A narrow strip of a house is no neighbour of an image, and neither is a tree whose point lies beside
it, or a dog park too small for the resolution. So nobody knows how many houses, trees or parks such
an image shows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from skyscript.geo.nearby import Near
from skyscript.geo.tile import Box, project
from stages.statements.scenes import Bools, Floats, Geometries, Ints
from stages.statements.tiles import Tiles

REACH = 8.0
"""Metres that a point or a line is seen around itself: half of a large crown, or of a road."""

BORDER = 1.0
"""Metres that the border of an area is seen around it, such as the kerb of a pool; and a pixel."""


class Edges(NamedTuple):
    """Pairs of an image and an object, by their numbers."""

    image: Ints
    row: Ints

    def take(self, these: Bools) -> Edges:
        """Give some of the pairs."""
        return Edges(self.image[these], self.row[these])


def may_be_at_edges(near: Near, tiles: Tiles, things: tuple[Ints, Ints]) -> Edges:
    """Give the pairs of images and objects at their edges, by the boxes of the objects.

    ``near`` are the objects, with their kinds and boxes in degrees, within `REACH` of each image;
    ``things`` are the images and objects of things. A line that lies wholly in an image is left
    out: it is too fine to be seen there. A point may have a size, such as a shelter.
    """
    count = len(near.objects)
    edges = Edges(near.box, near.row)
    edges = edges.take(~np.isin(near.box * count + near.row, things[0] * count + things[1]))
    corners = np.column_stack([near.objects[side].to_numpy() for side in Box._fields])
    bounds = project(corners.reshape(-1, 2)).reshape(-1, 4)[edges.row]
    sides, reach = tiles.sides[edges.image], _border(tiles)[edges.image, None]
    out = (bounds[:, :2] < sides[:, :2]).any(axis=1) | (bounds[:, 2:] > sides[:, 2:]).any(axis=1)
    meets = (bounds[:, :2] <= sides[:, 2:] + reach) & (bounds[:, 2:] >= sides[:, :2] - reach)
    line, area = (
        pc.is_in(near.objects["kind"], pa.array(kinds)).to_numpy()[edges.row]
        for kinds in (["w"], ["a", "r"])
    )
    return edges.take(np.where(area, meets.all(axis=1), out | ~line))


def _border(tiles: Tiles) -> Floats:
    """Give how far the border of an area is seen in each image, in EPSG:3857 metres."""
    return np.asarray(np.minimum(BORDER + tiles.metres, REACH) * tiles.scale)


def are_at_edges(geometries: Geometries, edges: Edges, tiles: Tiles) -> Bools:
    """Tell which pairs are near enough, by the geometry of each in EPSG:3857."""
    area = shapely.get_dimensions(geometries) == 2
    near = np.where(area, _border(tiles)[edges.image], REACH * tiles.scale[edges.image])
    frames: Geometries = np.asarray(shapely.box(*tiles.sides.T))
    shapely.prepare(frames)
    return np.asarray(  # the stubs of shapely know no array of distances
        shapely.dwithin(frames[edges.image], geometries, near)  # type: ignore[call-overload]
    )
