"""Which items a GeoParquet of STAC items has: one file that is an index of a whole archive.

Its form is that of stac-geoparquet: a row an item, with ``bbox`` as a struct, and the properties as
columns. Only the row groups near the places are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds
import shapely

from pipeline.errors import InputError
from skyscript.backends.stac.query import CLOUD, StacQuery
from skyscript.geo.tile import Box
from skyscript.imagery.places import search_areas

_PROPERTIES = ("datetime", "start_datetime", "gsd", "eo:gsd", CLOUD, "platform", "license")
_NEEDED = ("id", "geometry", "bbox", "assets")
_S3 = "s3://"


def items_of_table(wanted: StacQuery, places: Sequence[Box]) -> Iterator[Mapping[str, Any]]:
    """Give the items near some places; raises `InputError` for a file that is no such table."""
    table = _open(wanted.route.address)
    if missing := [name for name in _NEEDED if name not in table.schema.names]:
        raise InputError(
            f"{wanted.alias}: {wanted.route.address} is no GeoParquet of STAC items: it has no "
            f"column {missing[0]!r}."
        )
    columns = [*_NEEDED, *(name for name in _PROPERTIES if name in table.schema.names)]
    for area in search_areas(places):
        for batch in table.to_batches(columns=columns, filter=_near(area)):
            yield from map(_item, batch.to_pylist())


def _open(address: str) -> ds.Dataset:
    if not address.startswith(_S3):
        if not Path(address).is_file():
            raise InputError(f"{address}: there is no such GeoParquet of STAC items.")
        return ds.dataset(address, format="parquet")
    from pyarrow import fs

    path = address.removeprefix(_S3)
    region = fs.resolve_s3_region(path.split("/")[0])
    return ds.dataset(
        path, format="parquet", filesystem=fs.S3FileSystem(anonymous=True, region=region)
    )


def _near(area: Box) -> pc.Expression:
    west, south, east, north = (pc.field("bbox", side) for side in ("xmin", "ymin", "xmax", "ymax"))
    return (west <= area.east) & (area.west <= east) & (south <= area.north) & (area.south <= north)


def _item(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row as an item: what a row lacks is null in it, in its assets too."""
    geometry = shapely.from_wkb(row["geometry"])
    properties = {name: _plain(row[name]) for name in _PROPERTIES if row.get(name) is not None}
    assets = {name: _known(asset) for name, asset in row["assets"].items() if asset is not None}
    return {
        "id": row["id"],
        "geometry": None if geometry is None else json.loads(shapely.to_geojson(geometry)),
        "properties": properties,
        "assets": assets,
    }


def _known(asset: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asset.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value
