"""Rows of the table of objects, from libosmium's objects: geometry, box, place, and what is wrong.

Geometries are made and checked a batch at a time, by shapely's vectorised functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from pipeline.scratch import ScratchParquet
from skyscript.geo.hilbert import hilbert_keys
from skyscript.osm import areas as polygon_features
from skyscript.osm.file import AREA_RELATIONS
from stages import tables

if TYPE_CHECKING:
    import osmium

BATCH = 10_000
"""Objects that are held before they are written."""

SOUND = ""
"""Nothing is wrong with the geometry."""
NOT_POSITIVE = "id is not positive"
NO_PLACE = "node without a place"
NO_NODES = "nodes of the way are not in the extract"
FEW_POINTS = "fewer than two points"
FEW_CORNERS = "area of fewer than three corners"
NOT_AREA = "relation is not of type multipolygon or boundary"
ANTIMERIDIAN = "crosses the antimeridian"

_PLACED = [
    pa.field("geometry", pa.binary()),
    *(pa.field(side, pa.float64()) for side in ("west", "south", "east", "north")),
    pa.field("place", pa.int64()),  # on the Hilbert curve
    pa.field("reason", pa.string()),
]
_OBJECTS = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("osm_id", pa.int64()),
        pa.field("tags", tables.TAGS),
        pa.field("osm_version", pa.int32()),
        pa.field("changed", pa.int64()),  # seconds since 1970, UTC
        pa.field("geom_rule", pa.string()),
        *_PLACED,
    ]
)
_SHAPES = pa.schema([pa.field("osm_id", pa.int64()), *_PLACED])

Geometries = npt.NDArray[np.object_]


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
    """Takes libosmium's objects (a `Sink`) and writes them to two scratch files.

    ``objects`` holds a row for each node, way and relation; ``shapes`` what the assembler made of
    relations, by the relation's id.
    """

    def __init__(self, objects: Path, shapes: Path) -> None:
        import osmium

        self._objects_file = ScratchParquet(objects, _OBJECTS)
        self._shapes_file = ScratchParquet(shapes, _SHAPES)
        self._wkb = osmium.geom.WKBFactory()
        self._bad_place = osmium.InvalidLocationError
        self._batch = _Objects(*([] for _ in _Objects._fields))
        self._shape_ids: list[int] = []
        self._shape_wkb: list[str] = []

    def node(self, node: osmium.osm.Node) -> None:
        """Take a node."""
        try:
            wkb, reason = self._wkb.create_point(node), SOUND
        except self._bad_place:
            wkb, reason = None, NO_PLACE
        self._add("n", node, dict(node.tags), "node", wkb, reason)

    def way(self, way: osmium.osm.Way) -> None:
        """Take a way: a line, or an area where it is closed and its tags say so."""
        tags = dict(way.tags)
        kind, rule = "w", "open way"
        if way.is_closed():
            is_area, rule = polygon_features.closed_way(tags)
            kind = "a" if is_area else "w"
        try:
            wkb, reason = self._wkb.create_linestring(way), SOUND
        except self._bad_place:
            wkb, reason = None, NO_NODES
        except RuntimeError:
            wkb, reason = None, FEW_POINTS
        self._add(kind, way, tags, rule, wkb, reason)

    def relation(self, relation: osmium.osm.Relation) -> None:
        """Take a relation; its geometry comes, if it does, by `area`."""
        tags = dict(relation.tags)
        kind = tags.get("type")
        rule = f"type={kind}" if kind else "no type"
        self._add("r", relation, tags, rule, None, SOUND if kind in AREA_RELATIONS else NOT_AREA)

    def area(self, area: osmium.osm.Area) -> None:
        """Take what the assembler made of a relation."""
        if area.num_rings()[0]:
            self._shape_ids.append(area.orig_id())
            self._shape_wkb.append(self._wkb.create_multipolygon(area))
            if len(self._shape_ids) >= BATCH:
                self._flush_shapes()

    def _add(
        self,
        kind: str,
        thing: osmium.osm.Node | osmium.osm.Way | osmium.osm.Relation,
        tags: dict[str, str],
        rule: str,
        wkb: str | None,
        reason: str,
    ) -> None:
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
        lines = _from_hex(batch.wkb)
        geometries, reasons = lines.copy(), np.array(batch.reason, dtype=object)
        is_area = (kinds == "a") & ~shapely.is_missing(lines)
        geometries[is_area], reasons[is_area] = _polygons(lines[is_area], reasons[is_area])
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
                **_placed(geometries, reasons),
            }
        )
        self._batch = _Objects(*([] for _ in _Objects._fields))

    def _flush_shapes(self) -> None:
        geometries = _from_hex(self._shape_wkb)
        reasons = _invalid(geometries)
        ids = pa.array(self._shape_ids, pa.int64())
        self._shapes_file.write({"osm_id": ids, **_placed(geometries, reasons)})
        self._shape_ids, self._shape_wkb = [], []

    def __enter__(self) -> Self:
        """Hold both files open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write what is held, unless an error came, and finish both files."""
        with self._objects_file, self._shapes_file:
            if error is None:
                self._flush_objects()
                self._flush_shapes()


def _from_hex(wkb: Sequence[str | None]) -> Geometries:
    """Read libosmium's hexadecimal WKB; shapely is several times slower on the text itself."""
    return shapely.from_wkb(np.array([text and bytes.fromhex(text) for text in wkb], dtype=object))


def _polygons(rings: Geometries, reasons: Geometries) -> tuple[Geometries, Geometries]:
    """Make polygons of closed lines; one that only touches itself is split where it does."""
    polygons = np.full(len(rings), None, dtype=object)
    enough = shapely.get_num_points(rings) > 3
    coordinates, owners = shapely.get_coordinates(rings[enough], return_index=True)
    if len(coordinates):
        polygons[enough] = shapely.polygons(shapely.linearrings(coordinates, indices=owners))
    found = _invalid(polygons)
    touches = found == "ring self-intersection"
    polygons[touches] = shapely.make_valid(polygons[touches])
    found[touches] = _invalid(polygons[touches])
    found[~enough] = FEW_CORNERS
    return shapely.orient_polygons(polygons), np.where(reasons == SOUND, found, reasons)


def _invalid(geometries: Geometries) -> Geometries:
    """Name, in a few words, what is wrong with each geometry."""
    reasons = np.full(len(geometries), SOUND, dtype=object)
    wrong = ~shapely.is_valid(geometries) & ~shapely.is_missing(geometries)
    for index in np.flatnonzero(wrong):
        reasons[index] = shapely.is_valid_reason(geometries[index]).partition("[")[0].lower()
    return reasons


def _placed(geometries: Geometries, reasons: Geometries) -> dict[str, pa.Array]:
    """Give the columns of geometry, box, place and reason; a row with a reason has no geometry."""
    reasons[(reasons == SOUND) & _jumps(geometries)] = ANTIMERIDIAN
    geometries[reasons != SOUND] = None
    missing = shapely.is_missing(geometries)
    box = shapely.bounds(geometries)
    place = np.zeros(len(geometries), dtype=np.int64)
    lon, lat = (box[~missing, 0] + box[~missing, 2]) / 2, (box[~missing, 1] + box[~missing, 3]) / 2
    place[~missing] = hilbert_keys(lon, lat)
    sides = ("west", "south", "east", "north")
    return {
        "geometry": pa.array(shapely.to_wkb(geometries), pa.binary()),
        **{side: pa.array(box[:, i], mask=missing) for i, side in enumerate(sides)},
        "place": pa.array(place, mask=missing),
        "reason": pa.array(reasons, pa.string(), mask=reasons == SOUND),
    }


def _jumps(geometries: Geometries) -> npt.NDArray[np.bool_]:
    """Tell which geometries have two neighbouring points more than 180 degrees apart."""
    box = shapely.bounds(geometries)
    jumps = np.zeros(len(geometries), dtype=bool)
    for index in np.flatnonzero(box[:, 2] - box[:, 0] > 180):
        rings = shapely.get_parts(shapely.get_rings(shapely.get_parts(geometries[index])))
        lines = rings if len(rings) else shapely.get_parts(geometries[index])
        jumps[index] = any(
            np.abs(np.diff(shapely.get_coordinates(line)[:, 0])).max() > 180 for line in lines
        )
    return jumps
