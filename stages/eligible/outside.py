"""Which objects lie outside of the box of the run, so that no tile is made for them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from skyscript.geo.bbox import Sides, within_bbox
from skyscript.geo.tile import Box
from stages.eligible.showing import centres


def lie_outside(objects: pa.Table, bbox: Sides) -> npt.NDArray[np.bool_]:
    """Tell for each row of the table ``objects`` whether it lies outside; all must have a geometry.

    A point or an area lies where the centre of its box lies. A line lies in the box if one of its
    nodes does: `plan` then centres its tile on such a node.
    """
    boxes = np.column_stack([objects.column(side).to_numpy() for side in Box._fields])
    inside = within_bbox(centres(boxes), bbox)
    lines = np.flatnonzero(pc.equal(objects.column("kind"), "w").to_numpy())
    geometries = objects.column("geometry").take(pa.array(lines)).to_numpy()
    nodes, line = shapely.get_coordinates(shapely.from_wkb(geometries), return_index=True)
    inside[lines] = np.isin(np.arange(len(lines)), line[within_bbox(nodes, bbox)])
    return ~inside
