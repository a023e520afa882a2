"""STAC-GeoParquet: one row a tile, which any reader of GeoParquet opens and filters by place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from stages.export_data.pairs import PAIR, Pairs

FOLDER = "stac"
FILE = f"{FOLDER}/items.parquet"
_GROUP = 50_000
_BOX = ("west", "south", "east", "north")
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_PROPERTIES = [one for one in PAIR if one.name not in {*_BOX, "acquired", "filepath", "licence"}]
_GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {
        "geometry": {
            "encoding": "WKB",
            "geometry_types": ["Polygon"],
            "covering": {"bbox": {side: ["bbox", side] for side in _SIDES}},
        }
    },
}
_STAC = {"version": "1.1.0"}
_LINK = pa.struct([("href", pa.string()), ("rel", pa.string()), ("type", pa.string())])
_ASSET = pa.struct([("href", pa.string()), ("type", pa.string()), ("roles", pa.list_(pa.string()))])
SCHEMA = pa.schema(
    [
        pa.field("type", pa.string(), nullable=False),
        pa.field("stac_version", pa.string(), nullable=False),
        pa.field("stac_extensions", pa.list_(pa.string()), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("collection", pa.string()),
        pa.field("geometry", pa.binary(), nullable=False),
        pa.field("bbox", pa.struct([(side, pa.float64()) for side in _SIDES])),
        pa.field("datetime", pa.timestamp("ms", tz="UTC")),
        pa.field("license", pa.string()),
        pa.field("links", pa.list_(_LINK), nullable=False),
        pa.field("assets", pa.struct([("image", _ASSET)]), nullable=False),
        pa.field("split", pa.string()),
        *_PROPERTIES,
    ],
    metadata={"geo": json.dumps(_GEO), "stac-geoparquet": json.dumps(_STAC)},
)
"""Columns of the index: the members of a STAC item, and its properties at the top level."""


def write_stac(pairs: Pairs, out: Path, collection: str) -> list[str]:
    """Write ``stac/items.parquet`` in the order of the run; give its path.

    The address of an image is its path in the published layout, from the root of the dataset.
    """
    (out / FOLDER).mkdir()
    reader = pairs.connection.sql("SELECT * FROM pairs ORDER BY split, row").to_arrow_reader(_GROUP)
    with pq.ParquetWriter(out / FILE, SCHEMA, compression="zstd") as writer:
        for batch in reader:
            items = list(_items(batch.to_pylist(), collection))
            writer.write_table(pa.Table.from_pylist(items, schema=SCHEMA))
    return [FILE]


def _items(rows: list[dict[str, Any]], collection: str) -> Iterator[dict[str, Any]]:
    for row in rows:
        box = [row[side] for side in _BOX]
        image = {"href": row["filepath"], "type": "image/jpeg", "roles": ["data"]}
        yield row | {
            "type": "Feature",
            "stac_version": "1.1.0",
            "stac_extensions": [],
            "id": PurePosixPath(row["filepath"]).stem,
            "collection": collection,
            "geometry": shapely.box(*box).wkb,
            "bbox": dict(zip(_SIDES, box, strict=True)),
            "datetime": row["acquired"],
            "license": row["licence"],
            "links": [],
            "assets": {"image": image},
        }
