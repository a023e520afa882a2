"""Which objects lie outside of the box of the run, so that no tile is made for them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from skyscript.geo.bbox import Sides, pieces_of, within_bbox
from skyscript.geo.tile import Box
from skyscript.osm.shapes import WaysRead, nodes_of_lines
from stages.eligible.showing import centres


def lie_outside(boxes: pa.Table, bbox: Sides, read: WaysRead | None) -> npt.NDArray[np.bool_]:
    """Tell for each object in the table ``boxes`` whether it is outside ``bbox``.

    All rows must have a box. A point or an area is outside if the centre of its box is outside. A
    line is outside if all its nodes are, because `plan` centres its tile on one of them. ``read``
    has the ways that shards have read; None if no shards were used.
    """
    sides = np.column_stack([boxes.column(side).to_numpy() for side in Box._fields])
    inside = within_bbox(centres(sides), bbox)
    lines = np.flatnonzero(pc.equal(boxes.column("kind"), "w").to_numpy())
    around = shapely.union_all([shapely.box(*piece) for piece in pieces_of(bbox)])
    own = shapely.box(*sides[lines].T)
    inside[lines] = shapely.covers(around, own)
    at_edge = lines[shapely.intersects(around, own) & ~inside[lines]]
    nodes = nodes_of_lines(boxes.take(pa.array(at_edge)), read)
    inside[at_edge[nodes.way[within_bbox(nodes.places, bbox)]]] = True
    return ~inside
