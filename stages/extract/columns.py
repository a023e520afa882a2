"""Rows of the table of objects from columns, without a Python object for each of them.

The block decoder writes simple geometries; `rows` checks those that may be wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from skyscript.geo.antimeridian import is_wide
from skyscript.geo.hilbert import hilbert_keys
from skyscript.geo.tile import Box
from skyscript.osm.blocks.aside import AreaRelation
from skyscript.osm.blocks.closed import decide
from skyscript.osm.blocks.columns import Objects, Parts
from skyscript.osm.blocks.reader import Ways
from skyscript.osm.blocks.shapes import (
    DOUBTFUL,
    LACKING,
    SHORT,
    are_closed,
)
from skyscript.osm.blocks.wkb import shapes_of
from skyscript.osm.file import AREA_RELATIONS
from skyscript.osm.reasons import FEW_POINTS, NO_NODES, NO_PLACE
from stages.extract.geometries import SOUND, shaped
from stages.extract.rows import OBJECTS, Rows, placed

if TYPE_CHECKING:
    import osmium

_UNITS = 1e7

Ints = npt.NDArray[np.int64]


class _Member(NamedTuple):
    type: str
    ref: int
    role: str


class _Relation(NamedTuple):
    """What `Rows` asks of a relation of libosmium."""

    id: int
    tags: dict[str, str]
    version: int
    timestamp: datetime
    members: list[_Member]


def rows_of_nodes(nodes: Objects, places: Ints) -> pa.Table:
    """Give the rows of nodes, without geometries: they follow from the boxes."""
    bad = (np.abs(places[:, 0]) > 180 * _UNITS) | (np.abs(places[:, 1]) > 90 * _UNITS)
    box = np.tile(places / _UNITS, 2)
    reasons = np.where(bad, NO_PLACE, SOUND).astype(object)
    kinds = pa.repeat("n", len(bad))
    return _table(kinds, nodes, pa.repeat("node", len(bad)), _columns(box, reasons))


def rows_of_ways(ways: Ways) -> pa.Table:
    """Give the rows of ways: lines, and areas if they are closed and their tags say so.

    A way whose shape the block decoder writes has the ids of its nodes in place of a geometry.
    """
    closed = np.empty(len(ways.ends), np.uint8)
    are_closed(ways.ends, ways.refs, ways.places, closed)
    is_area, rules = decide(ways.objects, closed.astype(bool))
    wkb, kinds, boxes = shapes_of(ways.ends, ways.places, is_area)
    box = boxes / _UNITS
    reasons = np.full(len(kinds), SOUND, dtype=object)
    reasons[kinds == SHORT] = FEW_POINTS
    reasons[kinds == LACKING] = NO_NODES
    doubtful = (kinds == DOUBTFUL) | is_wide(box)
    has_refs = (reasons == SOUND) & ~doubtful
    columns = _columns(box, reasons)
    if doubtful.any():
        columns = _judged(columns, wkb, np.flatnonzero(doubtful), is_area)
    rows = _table(pc.if_else(pa.array(is_area), "a", "w"), ways.objects, rules, columns)
    return rows.append_column("refs", _lists(ways.ends, ways.refs, has_refs))


class RelationRows(Rows):
    """Takes columns of relations, and libosmium's areas, into the scratch files."""

    def __init__(self, folder: Path, keys: Collection[str]) -> None:
        super().__init__(folder)
        self._keys = keys

    def relations(self, relations: Parts) -> Iterator[AreaRelation]:
        """Write relations to the scratch files; yield those that the assembler makes into areas."""
        for each in _relations(relations):
            self.relation(cast("osmium.osm.Relation", each))
            kind = each.tags.get("type", "")
            ways = [member for member in each.members if member.type == "w"]
            if kind in AREA_RELATIONS:
                key = next(key for key in each.tags if key in self._keys)
                refs, roles = [way.ref for way in ways], [way.role for way in ways]
                yield AreaRelation(each.id, kind, key, refs, roles)


def _relations(found: Parts) -> Iterator[_Relation]:
    objects = found.objects
    keys, values = objects.keys.to_pylist(), objects.values.to_pylist()
    types, refs = found.parts[:, 0].tolist(), found.parts[:, 1].tolist()
    roles = found.roles.to_pylist()
    tag = part = 0
    columns = (objects.ids, objects.versions, objects.changed, objects.tag_ends, found.ends)
    for osm_id, version, changed, tag_end, end in zip(
        *map(np.ndarray.tolist, columns), strict=True
    ):
        members = map(_Member, ("nwr"[i] for i in types[part:end]), refs[part:end], roles[part:end])
        tags = dict(zip(keys[tag:tag_end], values[tag:tag_end], strict=True))
        timestamp = datetime.fromtimestamp(changed, UTC)
        yield _Relation(osm_id, tags, version, timestamp, list(members))
        tag, part = tag_end, end


def _lists(ends: Ints, values: Ints, keep: npt.NDArray[np.bool_]) -> pa.ListArray:
    """Give the pieces of ``values`` as lists; those that are not kept are null."""
    sizes = np.diff(ends, prepend=0)
    starts = np.concatenate([np.zeros(1, np.int32), np.cumsum(sizes * keep, dtype=np.int32)])
    kept = pa.array(values[np.repeat(keep, sizes)], pa.int64())
    return pa.ListArray.from_arrays(pa.array(starts), kept, mask=pa.array(~keep))


def _columns(box: npt.NDArray[Any], reasons: npt.NDArray[Any]) -> pa.Table:
    """Give the columns of `placed` for shapes that are as they shall be, without geometries."""
    bad = reasons != SOUND
    place = np.zeros(len(box), dtype=np.int64)
    middle = (box[:, :2] + box[:, 2:]) / 2
    place[~bad] = hilbert_keys(middle[~bad, 0], middle[~bad, 1])
    sides = {side: pa.array(box[:, i], mask=bad) for i, side in enumerate(Box._fields)}
    return pa.table(
        {
            "geometry": pa.nulls(len(box), pa.binary()),
            **sides,
            "place": pa.array(place, mask=bad),
            "reason": pa.array(reasons, pa.string(), mask=~bad),
        }
    )


def _judged(
    columns: pa.Table, wkb: pa.BinaryArray, doubtful: Ints, is_area: npt.NDArray[np.bool_]
) -> pa.Table:
    """Replace the rows of ways that may be wrong: they are judged as `Rows` judges all ways."""
    given = wkb.take(pa.array(doubtful)).to_numpy(zero_copy_only=False)
    sound = np.full(len(given), SOUND, dtype=object)
    geometries, reasons = shaped(shapely.from_wkb(given), is_area[doubtful], sound)
    order = np.arange(len(columns))
    order[doubtful] = len(columns) + np.arange(len(doubtful))
    judged = pa.table(placed(geometries, reasons), schema=columns.schema)
    return pa.concat_tables([columns, judged]).take(pa.array(order))


def _table(kinds: pa.Array, objects: Objects, rules: pa.Array, columns: pa.Table) -> pa.Table:
    ends = np.concatenate([np.zeros(1, np.int32), objects.tag_ends.astype(np.int32)])
    tags = pa.MapArray.from_arrays(pa.array(ends), objects.keys, objects.values)
    first = {
        "kind": kinds,
        "osm_id": pa.array(objects.ids),
        "tags": tags,
        "osm_version": pa.array(objects.versions, pa.int32(), mask=objects.versions == 0),
        "changed": pa.array(objects.changed, mask=objects.changed == 0),
        "geom_rule": rules,
    }
    found = {**first, **dict(zip(columns.column_names, columns.columns, strict=True))}
    return pa.table(found, schema=OBJECTS)
