"""Which objects lie outside of the box of the run, so that no tile is made for them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from skyscript.geo.bbox import Sides, pieces_of, within_bbox
from skyscript.geo.tile import Box
from stages.eligible.showing import centres


def lie_outside(boxes: pa.Table, bbox: Sides) -> npt.NDArray[np.bool_]:
    """Tell for each row of the table ``boxes`` whether it lies outside; all must have a box.

    A point or an area lies where the centre of its box lies. A line lies outside if its box does;
    `plan`, which knows the geometry, leaves out those of the others that have no node in the box.
    """
    sides = np.column_stack([boxes.column(side).to_numpy() for side in Box._fields])
    inside = within_bbox(centres(sides), bbox)
    lines = np.flatnonzero(pc.equal(boxes.column("kind"), "w").to_numpy())
    around = shapely.union_all([shapely.box(*piece) for piece in pieces_of(bbox)])
    inside[lines] = shapely.intersects(shapely.box(*sides[lines].T), around)
    return ~inside
