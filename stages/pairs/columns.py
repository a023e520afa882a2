"""The columns of the records of a part, from the parts of the tables of the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from image_sources import SOURCES
from pipeline.errors import InputError
from skyscript.files.names import split_of
from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box, Tile
from skyscript.imagery.grid import mercator_grid
from stages import tables
from stages.pairs.places import Places

Columns = dict[str, pa.Array | pa.ChunkedArray]
Part = Mapping[str, pa.Table]

_COPIED = {
    "captions": (
        *("filepath", "object_id", "title", "title_multi_objects"),
        *("title_short", "title_long"),
        *("tokens", "tokens_multi_objects", "tokens_short", "tokens_long"),
    ),
    "focus": ("kind", "osm_id", "chosen_by", "chosen_for"),
    "images": (
        *("source", "scene_id", "others", "acquired", "time_precision", *Box._fields),
        *("width", "height", "gsd", "byte_size", "content_hash"),
        *("nodata_share", "blank_share", "cloud_share", "broken_cloud_share", "haze", "sharpness"),
    ),
    "meta": (
        *("metapath", "meta_hash", "center_tags", "left_out"),
        *("surrounding", "surroundings_complete"),
    ),
    "match": (
        *("match", "dx_m", "dy_m", "match_confidence", "edge_m", "no_match"),
        *("date_gap_days", "built_gap_days"),
    ),
    "scores": ("scorer", "similarity", "similarity_multi_objects", "phrases", "image_hash"),
    "normalised": ("normalised",),
}
"""The columns that a record takes from each table as they are."""


class Scenes:
    """The scenes of a run by id."""

    def __init__(self, scenes: ds.Dataset) -> None:
        """Read what a record names of each scene."""
        names = ["scene_id", "backend", "name", "hrefs", "content"]
        self._table = scenes.to_table(names).rename_columns(
            ["scene_id", "backend", "scene_name", "hrefs", "scene_content"]
        )
        self._ids = self._table["scene_id"].combine_chunks()

    def columns(self, ids: pa.ChunkedArray) -> Columns:
        """Give the columns of the scenes with some ids."""
        rows = _places_in(ids, self._ids, "scenes")
        found = self._table.drop_columns(["scene_id"]).take(rows)
        return dict(zip(found.column_names, found.columns, strict=True))


def pair_columns(part: Part, objects: ds.Dataset, scenes: Scenes, places: Places) -> Columns:
    """Give the columns of the records of a part, without the fingerprint of the run."""
    count = len(part["captions"])
    columns: Columns = {}
    for table, names in _COPIED.items():
        for name in names:
            kind = tables.RUN_PAIRS.schema.field(name).type
            columns[name] = part[table][name] if table in part else pa.nulls(count, kind)
    stems = [PurePosixPath(path).stem for path in columns["filepath"].to_pylist()]
    columns["image_name"] = pa.array(stems, pa.string())
    columns |= scenes.columns(columns["scene_id"])
    columns |= _history(part["focus"], objects)
    columns |= _grids(part["images"])
    columns["statements"] = _statements(part.get("statements"), columns["object_id"])
    columns |= _files(places, count)
    columns |= _licences(columns["source"])
    return columns


def _places_in(ids: pa.ChunkedArray, known: pa.Array, table: str) -> pa.Array:
    """Give the row of each id. Raises `InputError` if the table lacks one."""
    rows = pc.index_in(ids, value_set=known).combine_chunks()
    if rows.null_count:
        lost = ids.combine_chunks().filter(rows.is_null())[0].as_py()
        raise InputError(f"The table {table} lacks {lost!r}, which an image of the run names.")
    return rows


def _history(focus: pa.Table, objects: ds.Dataset) -> Columns:
    """Give the version and the last change of the focus objects."""
    # A corner of its box is enough to find an object: the box may reach round the globe.
    corners = zip(*(focus[side].to_pylist() for side in ("west", "south")), strict=True)
    boxes = [Box(*corner, *corner) for corner in corners]
    near = objects_near(objects, boxes, ["object_id", "osm_version", "changed"])
    rows = _places_in(focus["object_id"], near["object_id"].combine_chunks(), "objects")
    found = near.take(rows)
    return {"osm_version": found["osm_version"], "osm_changed": found["changed"]}


def _grids(images: pa.Table) -> Columns:
    """Give the CRS and the transform of each image, also of those on the EPSG:3857 grid."""
    grids = []
    for row in images.select([*Box._fields, "width", "height", "crs", "transform"]).to_pylist():
        if row["crs"] is None:
            grid = mercator_grid(Tile(Box.of(row), row["width"], row["height"]))
            grids.append((grid.crs, list(grid.transform)))
        else:
            grids.append((row["crs"], row["transform"]))
    crs, transforms = zip(*grids, strict=True) if grids else ((), ())
    return {
        "crs": pa.array(crs, pa.string()),
        "transform": pa.array(transforms, pa.list_(pa.float64())),
    }


def _statements(statements: pa.Table | None, ids: pa.ChunkedArray) -> pa.Array:
    """Give the statements of each image; null if the run makes none."""
    kind = pa.list_(tables.PAIR_STATEMENT)
    if statements is None:
        return pa.nulls(len(ids), kind)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ids.to_pylist()}
    names = [field.name for field in tables.PAIR_STATEMENT]
    for row in statements.select(["object_id", *names]).to_pylist():
        if (own := found.get(row.pop("object_id"))) is not None:
            own.append(row)
    return pa.array(list(found.values()), kind)


def _files(places: Places, count: int) -> Columns:
    """Give the files of each pair, and the split that the filtered ones mean."""
    files: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    splits: list[str | None] = [None] * count
    for name, rows in places.items():
        is_filtered = "_filtered_by_" in name
        for at in np.flatnonzero(rows).tolist():
            files[at].append({"file": name, "row": int(rows[at])})
            if is_filtered:
                splits[at] = split_of(name)
    return {
        "files": pa.array(files, pa.list_(tables.PLACE)),
        "split": pa.array(splits, pa.string()),
    }


def _licences(sources: pa.ChunkedArray) -> Columns:
    """Give the licence of each image, as the list of sources states it."""
    known = [SOURCES.get(alias) for alias in sources.to_pylist()]
    return {
        name: pa.array([getattr(one, name) if one else None for one in known], pa.string())
        for name in ("licence", "licence_class", "attribution")
    }
