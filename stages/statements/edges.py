"""Objects in or beside images that are none of their things, but of which a part may be seen.

A narrow strip of a house is no neighbour of an image, and neither is a tree whose point lies beside
it, or a dog park too small for the resolution. So nobody knows how many houses, trees or parks such
an image shows.
"""

from __future__ import annotations

import numpy as np
import shapely

from stages.statements.scenes import Floats, Geometries, Ints

REACH = 8.0
"""Metres that a point or a line is seen around itself: half of a large crown, or of a road."""

BORDER = 1.0
"""Metres that the border of an area is seen around it, such as the kerb of a pool."""


def find_at_edges(
    geometries: Geometries, sides: Floats, scale: Floats, listed: tuple[Ints, Ints]
) -> tuple[Ints, Ints]:
    """Give images and such objects, by their numbers.

    ``geometries`` and the ``sides`` of images are in EPSG:3857, with ``scale`` units to a metre on
    the ground. ``listed`` are the images and objects of things. A point or a line that lies wholly
    in an image is left out: it is too fine to be seen there.
    """
    reach = REACH * scale
    tree = shapely.STRtree(geometries)
    wider = sides + np.outer(reach, [-1, -1, 1, 1])
    image, found = tree.query(shapely.box(*wider.T))
    box, bounds = sides[image], shapely.bounds(geometries)[found]
    out = (bounds[:, :2] < box[:, :2]).any(axis=1) | (bounds[:, 2:] > box[:, 2:]).any(axis=1)
    areas, count = shapely.get_dimensions(geometries) == 2, len(geometries)
    out |= areas[found]
    out &= ~np.isin(image * count + found, listed[0] * count + listed[1])
    image, found = image[out], found[out]
    apart = shapely.distance(geometries[found], shapely.box(*sides[image].T))
    near = apart <= np.where(areas[found], BORDER * scale[image], reach[image])
    return image[near], found[near]
