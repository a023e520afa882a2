"""Multipolygons of which libosmium makes no area: why, and their repair by the even-odd rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import shapely

from skyscript.geo.antimeridian import crossing, jumps_in
from skyscript.geo.tile import HALF_GLOBE
from skyscript.osm.across import Line, assembled_across
from skyscript.osm.file import OsmFile
from skyscript.osm.reasons import POLE

WITHOUT_WAYS = "relation without ways"
WAYS_MISSING = "ways of the relation are not in the extract"
NODES_MISSING = "nodes of the relation's ways are not in the extract, or have no valid place"
OPEN_RINGS = "rings of the relation do not close"
CROSSING = "rings of the relation cross or repeat"

_GLOBE = 2 * HALF_GLOBE


class Rejected(NamedTuple):
    """A relation of which libosmium made no area, or one that is not right."""

    reason: str
    area: shapely.Geometry | None
    """Assembled across the antimeridian, with longitudes up to 360; or repaired."""
    is_repaired: bool = False
    """By the even-odd rule, if its rings only cross or repeat and a repair is wanted."""


class _Way(NamedTuple):
    first: int
    last: int
    line: Line


def explain_rejected(
    source: OsmFile, relations: Collection[int], *, repair: bool
) -> dict[int, Rejected]:
    """Give for each relation why libosmium made no area of it, or its area.

    There is an area if a way crosses the antimeridian, and if a repair is wanted and helps.
    """
    if not relations:
        return {}
    members = {
        relation.id: [
            (member.ref, member.role) for member in relation.members if member.type == "w"
        ]
        for relation in source.relations(relations)
    }
    ways = _ways(source, {ref for each in members.values() for ref, _ in each if ref > 0} or {0})
    lines = {ref: way.line for ref, way in ways.items() if way}
    jumps = {ref: jumps_in(line[:, 0]) for ref, line in lines.items()}
    across = {
        osm_id: each for osm_id, each in members.items() if any(jumps.get(ref) for ref, _ in each)
    }
    areas = assembled_across(across, lines, source.folder)
    found = {}
    for relation in relations:
        refs = list(dict.fromkeys(ref for ref, _ in members.get(relation, [])))  # twice counts once
        reason, area = _why(refs, ways), areas.get(relation)
        if area is not None and not crossing(np.array([area]))[0]:
            found[relation] = Rejected("", area)
        elif area is not None or (reason == CROSSING and sum(jumps[ref] for ref in refs) % 2):
            found[relation] = Rejected(POLE, None)
        elif repair and reason == CROSSING:
            own = [lines[ref] for ref in refs]
            area = even_odd([_eastward(line) for line in own] if relation in across else own)
            found[relation] = Rejected(reason, area, is_repaired=area is not None)
        else:
            found[relation] = Rejected(reason, None)
    return found


def _eastward(line: Line) -> Line:
    """Write longitudes from 0 to 360."""
    return np.column_stack([np.mod(line[:, 0], _GLOBE), line[:, 1]])


def _ways(source: OsmFile, ids: Collection[int]) -> dict[int, _Way | None]:
    """Give the ways with these ids; None for one that lacks a place."""
    ways: dict[int, _Way | None] = {}
    for way in source.ways(ids):
        nodes = way.nodes
        ways[way.id] = None
        if len(nodes) > 1 and all(node.location.valid() for node in nodes):
            points = np.array([(node.lon, node.lat) for node in nodes])
            ways[way.id] = _Way(nodes[0].ref, nodes[-1].ref, points)
    return ways


def _why(members: list[int], ways: Mapping[int, _Way | None]) -> str:
    if not members:
        return WITHOUT_WAYS
    if any(member not in ways for member in members):
        return WAYS_MISSING
    whole = [way for member in members if (way := ways[member])]
    if len(whole) < len(members):
        return NODES_MISSING
    meeting = Counter(
        node for way in whole if way.first != way.last for node in (way.first, way.last)
    )
    if any(count % 2 for count in meeting.values()):
        return OPEN_RINGS
    return CROSSING


def even_odd(lines: Collection[Line]) -> shapely.Geometry | None:
    """Give what the lines enclose an odd number of times; None if they enclose nothing.

    The lines together must end nowhere. A segment that occurs twice encloses nothing.
    """
    segments = np.concatenate([np.hstack([line[:-1], line[1:]]) for line in lines])
    backward = (segments[:, 0] > segments[:, 2]) | (
        (segments[:, 0] == segments[:, 2]) & (segments[:, 1] > segments[:, 3])
    )
    segments[backward] = segments[backward][:, [2, 3, 0, 1]]
    segments, counts = np.unique(segments, axis=0, return_counts=True)
    segments = segments[counts % 2 == 1]
    if not len(segments):
        return None
    borders = shapely.union_all(shapely.linestrings(segments.reshape(-1, 2, 2)))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(borders)))
    inside = [face for face in faces if _is_odd(shapely.point_on_surface(face), segments)]
    return shapely.orient_polygons(shapely.union_all(inside)) if inside else None


def _is_odd(point: shapely.Point, segments: Line) -> bool:
    """Say whether a ray from the point to the east crosses an odd number of segments."""
    west, south, east, north = segments.T
    spans = (south > point.y) != (north > point.y)
    west, south, east, north = (side[spans] for side in (west, south, east, north))
    crossing = west + (point.y - south) / (north - south) * (east - west)
    return bool((crossing > point.x).sum() % 2)
