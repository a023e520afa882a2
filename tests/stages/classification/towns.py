"""Small made-up runs: a table meta and the images that it names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from stages import tables

SIDE = 0.002
"""Degrees of a tile."""
Tags = dict[str, str]


def tile(number: int, place: tuple[float, float], center: Tags, *around: Tags) -> dict[str, Any]:
    """Give a row of meta: a tile whose lower left corner is at a place."""
    west, south = place
    return {
        "object_id": f"a{number}",
        "filepath": f"images{2 + number % 6}/a{number}_SIM_24.jpg",
        "metapath": f"meta{2 + number % 6}/a{number}_SIM_24.pickle",
        "source": "SIM",
        "gsd": 0.6,
        "west": west,
        "south": south,
        "east": west + SIDE,
        "north": south + SIDE,
        "center_tags": list(center.items()),
        "surrounding": [
            {"object_id": f"w{i}", "tags": list(tags.items()), "share": 0.1, "distance": 9.0}
            for i, tags in enumerate(around)
        ],
        "status": "ok",
    }


def filtered(number: int) -> dict[str, Any]:
    """Give a row without an image."""
    empty: dict[str, Any] = {"center_tags": [], "surrounding": []}
    return {"object_id": f"a{number}", "status": "filtered", "reason": "no image", **empty}


def run_of(root: Path, rows: Sequence[dict[str, Any]]) -> ds.Dataset:
    """Write the images of some rows; give the table, in two parts."""
    for row in rows:
        if row["status"] == "ok":
            path = root / row["filepath"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(row["object_id"].encode())
    middle = len(rows) // 2
    parts = [
        pa.Table.from_pylist(list(part), schema=tables.META.schema)
        for part in (rows[:middle], rows[middle:])
    ]
    return ds.dataset(pa.concat_tables(parts))


def captions_of(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write a captions file of the rows that have an image."""
    lines = [f"{row['filepath']},a satellite image\n" for row in rows if row["status"] == "ok"]
    path.write_text("filepath,title\n" + "".join(lines))
    return path
