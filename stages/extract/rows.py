"""Rows of the table of objects: geometry, box, place on the Hilbert curve, and errors.

Geometries are made and checked in batches, by shapely's vectorised functions.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import pyarrow as pa
import shapely

from pipeline.scratch import ScratchParquet
from skyscript.geo.antimeridian import crossing, cut, middles, on_one_side
from skyscript.geo.hilbert import hilbert_keys
from skyscript.geo.tile import Box
from skyscript.osm import areas as polygon_features
from skyscript.osm.file import AREA_RELATIONS
from skyscript.osm.reasons import FEW_POINTS, NO_NODES, NO_PLACE, NOT_AREA, NOT_TEXT
from stages import tables
from stages.extract.geometries import (
    SOUND,
    Geometries,
    from_hex,
    invalid,
    shaped,
)

if TYPE_CHECKING:
    import osmium

BATCH = 10_000
"""Objects in memory before they are written."""

MOST_LACKING = 100_000
NOT_POSITIVE = "id is not positive"

_HEX_OF_LINE, _HEX_OF_POINT = 18, 32
"""Hexadecimal digits of a line without points in WKB, and of each point."""

OBJECTS = pa.schema(tables.OBJECT_AS_READ)
_SHAPES = pa.schema([pa.field("osm_id", pa.int64()), *tables.PLACED])
_OUTERS = pa.schema(
    [
        pa.field("relation", pa.int64()),
        pa.field("way", pa.int64()),
        pa.field("is_only", pa.bool_()),  # no other way is an outer ring of the relation
        pa.field("tags", pa.list_(pa.string())),  # the relation's, that alone make an area
    ]
)


class _Objects(NamedTuple):
    """Columns of the objects of a batch, tags flat."""

    kind: list[str]
    osm_id: list[int]
    keys: list[str]
    values: list[str]
    tag_ends: list[int]
    version: list[int | None]
    changed: list[int | None]
    rule: list[str]
    wkb: list[str | None]
    reason: list[str]


class Rows:
    """Takes libosmium's objects (a `Sink`) and writes them to three scratch files in a folder.

    ``objects`` has a row for each node, way and relation; ``shapes`` has the areas that the
    assembler made of relations, by the relation's id; ``outers`` names the relations' outer ways.
    """

    def __init__(self, folder: Path) -> None:
        import osmium

        self._objects_file = ScratchParquet(folder / "objects.parquet", OBJECTS)
        self._shapes_file = ScratchParquet(folder / "shapes.parquet", _SHAPES)
        self._outers_file = ScratchParquet(folder / "outers.parquet", _OUTERS)
        self.lacking: set[int] = set()
        """A node without a place for each way that has one, up to `MOST_LACKING`."""
        self._wkb = osmium.geom.WKBFactory()
        self._bad_place = osmium.InvalidLocationError
        self._batch = _Objects(*([] for _ in _Objects._fields))
        self._shape_ids: list[int] = []
        self._shape_wkb: list[str] = []
        self._outers: list[tuple[int, int, bool, list[str]]] = []

    def node(self, node: osmium.osm.Node) -> None:
        """Take a node."""
        try:
            wkb, reason = self._wkb.create_point(node), SOUND
        except self._bad_place:
            wkb, reason = None, NO_PLACE
        self._add("n", node, _tags(node), "node", wkb, reason)

    def way(self, way: osmium.osm.Way) -> None:
        """Take a way: a line, or an area if it is closed and its tags say so."""
        tags = _tags(way)
        kind, rule = "w", "open way"
        if _is_closed(way):
            is_area, rule = polygon_features.closed_way(tags or {})
            kind = "a" if is_area else "w"
        self._add(kind, way, tags, rule, *self._line(way))

    def _line(self, way: osmium.osm.Way) -> tuple[str | None, str]:
        """Give a way's line; without the place of any one of its nodes it has none.

        The factory refuses every bad place but missing ones at the start, which it leaves out.
        """
        if not len(way.nodes):
            return None, FEW_POINTS
        try:
            wkb, reason = self._wkb.create_linestring(way), SOUND
        except self._bad_place:
            wkb, reason = None, NO_NODES
        except RuntimeError:
            wkb, reason = None, FEW_POINTS
        if wkb is not None and len(wkb) == _HEX_OF_LINE + _HEX_OF_POINT * len(way.nodes):
            return wkb, reason  # no node was left out
        lacking = next((node.ref for node in way.nodes if not node.location.valid()), None)
        if lacking is None:
            return wkb, reason
        if lacking > 0 and len(self.lacking) < MOST_LACKING:
            self.lacking.add(lacking)
        return None, NO_NODES

    def relation(self, relation: osmium.osm.Relation) -> None:
        """Take a relation; its geometry comes later, if at all, through `area`."""
        tags = _tags(relation)
        kind = (tags or {}).get("type")
        rule = f"type={kind}" if kind else "no type"
        self._add("r", relation, tags, rule, None, SOUND if kind in AREA_RELATIONS else NOT_AREA)
        if tags and kind in AREA_RELATIONS and relation.id > 0:
            self._add_outers(relation, tags)

    def _add_outers(self, relation: osmium.osm.Relation, tags: dict[str, str]) -> None:
        shared = [f"{key}={value}" for key, value in polygon_features.area_tags(tags).items()]
        if shared:
            outers = {m.ref for m in relation.members if m.type == "w" and m.role != "inner"}
            is_only = len(outers) == 1
            self._outers += [(relation.id, way, is_only, shared) for way in sorted(outers)]
            if len(self._outers) >= BATCH:
                self._flush_outers()

    def area(self, area: osmium.osm.Area) -> None:
        """Take an area that the assembler made of a relation."""
        if area.num_rings()[0]:
            self._shape_ids.append(area.orig_id())
            self._shape_wkb.append(self._wkb.create_multipolygon(area))
            if len(self._shape_ids) >= BATCH:
                self._flush_shapes()

    def _add(
        self,
        kind: str,
        thing: osmium.osm.Node | osmium.osm.Way | osmium.osm.Relation,
        tags: dict[str, str] | None,
        rule: str,
        wkb: str | None,
        reason: str,
    ) -> None:
        if tags is None:
            tags, reason = {}, NOT_TEXT
        batch = self._batch
        batch.kind.append(kind)
        batch.osm_id.append(thing.id)
        batch.keys.extend(tags)
        batch.values.extend(tags.values())
        batch.tag_ends.append(len(batch.keys))
        batch.version.append(thing.version or None)
        batch.changed.append(int(thing.timestamp.timestamp()) or None)
        batch.rule.append(rule)
        batch.wkb.append(wkb)
        batch.reason.append(reason if thing.id > 0 else NOT_POSITIVE)
        if len(batch.kind) >= BATCH:
            self._flush_objects()

    def _flush_objects(self) -> None:
        batch = self._batch
        kinds = np.array(batch.kind, dtype=object)
        lines = from_hex(batch.wkb)
        is_area = (kinds == "a") & ~shapely.is_missing(lines)
        geometries, reasons = shaped(lines, is_area, np.array(batch.reason, dtype=object))
        tags = pa.MapArray.from_arrays(
            pa.array([0, *batch.tag_ends], pa.int32()),
            pa.array(batch.keys, pa.string()),
            pa.array(batch.values, pa.string()),
        )
        self._objects_file.write(
            {
                "kind": pa.array(batch.kind),
                "osm_id": pa.array(batch.osm_id, pa.int64()),
                "tags": tags,
                "osm_version": pa.array(batch.version, pa.int32()),
                "changed": pa.array(batch.changed, pa.int64()),
                "geom_rule": pa.array(batch.rule),
                **placed(geometries, reasons),
            }
        )
        self._batch = _Objects(*([] for _ in _Objects._fields))

    def _flush_shapes(self) -> None:
        """Write areas but those across the antimeridian: `rejected` has these assembled anew."""
        geometries, ids = on_one_side(from_hex(self._shape_wkb)), np.array(self._shape_ids)
        whole = ~crossing(geometries)
        geometries, ids = geometries[whole], pa.array(ids[whole], pa.int64())
        self._shapes_file.write({"osm_id": ids, **placed(geometries, invalid(geometries))})
        self._shape_ids, self._shape_wkb = [], []

    def _flush_outers(self) -> None:
        columns = zip(*self._outers, strict=True) if self._outers else ([],) * len(_OUTERS)
        self._outers_file.write(
            {
                field.name: pa.array(list(column), field.type)
                for field, column in zip(_OUTERS, columns, strict=True)
            }
        )
        self._outers = []

    def __enter__(self) -> Self:
        """Enter the context; the files are open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write the last batch, unless there was an error, and finish the files."""
        with self._objects_file, self._shapes_file, self._outers_file:
            if error is None:
                self._flush_objects()
                self._flush_shapes()
                self._flush_outers()


def _tags(thing: osmium.osm.Node | osmium.osm.Way | osmium.osm.Relation) -> dict[str, str] | None:
    """Give an object's tags; None if one of them is not UTF-8."""
    try:
        return dict(thing.tags)
    except UnicodeDecodeError:
        return None


def _is_closed(way: osmium.osm.Way) -> bool:
    """Say whether a way ends where it starts: at the same node, or at another one in its place."""
    if way.is_closed():
        return len(way.nodes) > 0  # libosmium compares what is not there
    if len(way.nodes) < 2 or not way.ends_have_same_location():
        return False
    return way.nodes[0].location.valid()


def placed(geometries: Geometries, reasons: Geometries) -> dict[str, pa.Array]:
    """Give the columns of geometry, box, place and reason; a row with a reason has no geometry.

    What was written on beyond 180 degrees is cut there.
    """
    geometries = cut(geometries)
    geometries[reasons != SOUND] = None
    missing = shapely.is_missing(geometries)
    box = shapely.bounds(geometries)
    place = np.zeros(len(geometries), dtype=np.int64)
    place[~missing] = hilbert_keys(
        middles(box)[~missing], (box[~missing, 1] + box[~missing, 3]) / 2
    )
    return {
        "geometry": pa.array(shapely.to_wkb(geometries), pa.binary()),
        **{side: pa.array(box[:, i], mask=missing) for i, side in enumerate(Box._fields)},
        "place": pa.array(place, mask=missing),
        "reason": pa.array(reasons, pa.string(), mask=reasons == SOUND),
    }
