"""The OSM objects around a shard's tiles, which simulated sources draw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box


@dataclass(frozen=True)
class Surroundings:
    """Objects, searchable by place."""

    table: pa.Table
    tree: shapely.STRtree

    def within(self, box: Box) -> pa.Table:
        """Give the objects that touch a box."""
        touching = self.tree.query(shapely.box(*box), predicate="intersects")
        touching.sort()
        return self.table.take(pa.array(touching))


def surroundings(objects: ds.Dataset, boxes: Iterable[Box]) -> Surroundings:
    """Give the objects near some tiles."""
    table = objects_near(objects, sorted(set(boxes)))
    return Surroundings(table, shapely.STRtree(shapely.from_wkb(table["geometry"].to_numpy())))
