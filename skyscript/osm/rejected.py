"""Multipolygons of which libosmium makes no area: why, and their repair by the even-odd rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from skyscript.osm.file import OsmFile

WITHOUT_WAYS = "relation without ways"
WAYS_MISSING = "ways of the relation are not in the extract"
NODES_MISSING = "nodes of the relation's ways are not in the extract, or have no valid place"
OPEN_RINGS = "rings of the relation do not close"
CROSSING = "rings of the relation cross or repeat"

Line = npt.NDArray[np.float64]
"""The points of a way, longitude and latitude."""


class Rejected(NamedTuple):
    """A relation without an area."""

    reason: str
    area: shapely.Geometry | None
    """By the even-odd rule, if its rings only cross or repeat and a repair is wanted."""


class _Way(NamedTuple):
    first: int
    last: int
    line: Line


def explain_rejected(
    source: OsmFile, relations: Collection[int], *, repair: bool
) -> dict[int, Rejected]:
    """Give for each relation why libosmium made no area of it, and the repaired area, if any."""
    if not relations:
        return {}
    members = {
        relation.id: [member.ref for member in relation.members if member.type == "w"]
        for relation in source.relations(relations)
    }
    ways: dict[int, _Way | None] = {}
    for way in source.ways({way for refs in members.values() for way in refs if way > 0} or {0}):
        nodes = way.nodes
        is_whole = len(nodes) > 1 and all(node.location.valid() for node in nodes)
        points = [(node.lon, node.lat) for node in nodes] if is_whole and repair else []
        ways[way.id] = _Way(nodes[0].ref, nodes[-1].ref, np.array(points)) if is_whole else None
    found = {}
    for relation in relations:
        refs = list(dict.fromkeys(members.get(relation, [])))  # a way twice counts once
        reason = _why(refs, ways)
        lines = [each.line for ref in refs if (each := ways.get(ref))]
        is_repaired = repair and reason == CROSSING
        found[relation] = Rejected(reason, even_odd(lines) if is_repaired else None)
    return found


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
