"""Columns that several tables have, and how a table is defined."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa

from pipeline.schema import Table

TAGS = pa.map_(pa.string(), pa.string())

_GEOMETRY = {"encoding": "WKB", "geometry_types": []}
_COVERING = {
    "covering": {"bbox": {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}}
}
BBOX = pa.struct([pa.field(side, pa.float64()) for side in ("xmin", "ymin", "xmax", "ymax")])
"""The box of a geometry as GeoParquet 1.1 wants it, so that readers skip what lies elsewhere."""


def _geo(fields: Sequence[pa.Field]) -> dict[bytes, bytes]:
    """Give the GeoParquet metadata of a table with the column ``geometry``, in WGS 84."""
    has_boxes = any(field.name == "bbox" for field in fields)
    column = _GEOMETRY | (_COVERING if has_boxes else {})
    described = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": column},
    }
    return {b"geo": json.dumps(described).encode()}


BOX = [pa.field(edge, pa.float64(), nullable=False) for edge in ("west", "south", "east", "north")]
SIDES = tuple(field.name for field in BOX)
NULLABLE_BOX = [field.with_nullable(True) for field in BOX]
STATUS = [
    pa.field("status", pa.string(), nullable=False),
    pa.field("reason", pa.string()),
]
OBJECT = [
    pa.field("object_id", pa.string(), nullable=False),  # n12, w12, a12 or r12
    pa.field("kind", pa.string(), nullable=False),  # n node, w line, a area, r multipolygon
    pa.field("osm_id", pa.int64(), nullable=False),  # the id of the node, way or relation
    pa.field("geometry", pa.binary()),  # null if status is not ok
    *NULLABLE_BOX,  # null if there is no geometry
    pa.field("tags", TAGS, nullable=False),  # all of them, in OSM's order
]

PLACED = [
    pa.field("geometry", pa.binary()),
    *NULLABLE_BOX,
    pa.field("place", pa.int64()),  # on the Hilbert curve
    pa.field("reason", pa.string()),  # why it has no geometry
]
OBJECT_AS_READ = [
    pa.field("kind", pa.string(), nullable=False),  # as in an object's row
    pa.field("osm_id", pa.int64(), nullable=False),
    pa.field("tags", TAGS, nullable=False),
    pa.field("osm_version", pa.int32()),
    pa.field("changed", pa.int64()),  # seconds since 1970, UTC
    pa.field("geom_rule", pa.string(), nullable=False),
    *PLACED,
]
"""An object as it is read, before it is merged with its multipolygon and sorted."""


def table(
    name: str, *fields: pa.Field, geometry: bool = False, ranges: tuple[str, ...] = ()
) -> Table:
    """Define a table whose key is its first column; ``geometry`` adds the GeoParquet metadata."""
    schema = pa.schema(fields, metadata=_geo(fields) if geometry else None)
    return Table(name, schema, fields[0].name, ranges)
