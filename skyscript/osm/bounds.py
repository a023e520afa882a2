"""The bounds of an OSM extract: within them, the table of objects is complete.

The stage `extract` stores them in the metadata of its parts, as a JSON list of boxes in degrees. A
tile that is not within the bounds shows places of which the extract says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from skyscript.geo.tile import Box

_KEY = b"bounds"


def with_bounds(objects: pa.Table, bounds: Sequence[Box]) -> pa.Table:
    """Give the same table with the bounds of its extracts in its metadata."""
    stored = {_KEY: json.dumps(bounds).encode()}
    return objects.replace_schema_metadata({**(objects.schema.metadata or {}), **stored})


def bounds_of(objects: ds.Dataset) -> list[Box]:
    """Give the bounds that a table of objects stores; none if it stores none."""
    first = next(iter(objects.get_fragments()), None)
    metadata = first.physical_schema.metadata if first is not None else None
    return [Box(*sides) for sides in json.loads((metadata or {}).get(_KEY, b"[]"))]


def within_bounds(boxes: Sequence[Box], bounds: Sequence[Box]) -> list[bool | None]:
    """Tell for each box whether it lies within the bounds; None if there are no bounds.

    A box may lie across the common edge of two extracts.
    """
    if not bounds:
        return [None] * len(boxes)
    area = shapely.union_all([shapely.box(*sides) for sides in bounds])
    shapely.prepare(area)
    inside: list[bool | None] = [
        bool(each) for each in shapely.covers(area, [shapely.box(*box) for box in boxes])
    ]
    return inside
