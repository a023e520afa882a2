"""The table ``focus`` of one object, for stages that read where focus objects are."""

import pyarrow as pa
import pyarrow.dataset as ds

from skyscript.geo.tile import tile_around
from stages import tables


def focus_at(lon: float, lat: float, side: int = 50, gsd: float = 1.0) -> ds.Dataset:
    """Give a node whose box has so many pixels of a GSD around a place."""
    row = {
        "object_id": "n0",
        "kind": "n",
        "osm_id": 0,
        **tile_around(lon, lat, side, side, gsd).box._asdict(),
        "tags": [],
        "chosen_by": "all",
    }
    return ds.dataset(pa.Table.from_pylist([row], schema=tables.FOCUS.schema))
