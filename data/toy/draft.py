"""The sheet that the island is drawn on: nodes, ways and relations, and what ground is taken."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from data.toy.plan import ISLAND
from data.toy.shapes import Line, Point, crossings, length, piece

LON, LAT = -29.95, 45.068
"""Where the town's middle lies: in the open Atlantic, so that no real map is claimed."""
_DRAWN = "2024-06-01T12:00:00Z"
_SQUARE = 250.0

Tags = dict[str, str]


def tags(text: str, **more: str) -> Tags:
    """Give the tags of ``key=value`` words; a value with spaces is quoted, or in ``more``."""
    return dict(word.split("=", 1) for word in shlex.split(text)) | more


class Taken:
    """What ground is taken: shapes in squares of 250 m, so that a question looks at few."""

    def __init__(self) -> None:
        self._squares: dict[tuple[int, int], list[BaseGeometry]] = {}

    def add(self, shape: BaseGeometry) -> None:
        """Take the ground of a shape, whatever lies there."""
        for square in self._touched(shape):
            self._squares.setdefault(square, []).append(shape)

    def free(self, shape: BaseGeometry) -> bool:
        """Say whether nothing that was taken touches the shape."""
        return not any(
            shape.intersects(other)
            for square in self._touched(shape)
            for other in self._squares.get(square, ())
        )

    def claim(self, shape: BaseGeometry) -> bool:
        """Take the ground of a shape if it is free."""
        if not self.free(shape):
            return False
        self.add(shape)
        return True

    @staticmethod
    def _touched(shape: BaseGeometry) -> Iterator[tuple[int, int]]:
        west, south, east, north = shape.bounds
        for i in range(math.floor(west / _SQUARE), math.floor(east / _SQUARE) + 1):
            for j in range(math.floor(south / _SQUARE), math.floor(north / _SQUARE) + 1):
                yield i, j


@dataclass
class Barrier:
    """A line that roads must pass: over it by a bridge, or through it on the level."""

    line: Line
    bridge_for: frozenset[str]
    """Values of ``highway`` that take a bridge; the others cross on the level."""
    span: float
    """Length of a bridge over it."""
    level: list[tuple[float, Point]] = field(default_factory=list)
    """Level crossings: how far along, and where; the barrier's own way must carry these nodes."""


EVERY_ROAD = frozenset(ISLAND["every road"])
WIDTHS: dict[str, float] = ISLAND["wide roads"]
"""In metres; these roads part a wood, the others (6 m) pass through it."""


class Draft:
    """Nodes, ways and relations in metres around the town's middle, as they are drawn."""

    def __init__(self) -> None:
        self.nodes: dict[int, tuple[float, float, Tags]] = {}
        self.ways: dict[int, tuple[list[int], Tags]] = {}
        self.relations: dict[int, tuple[list[tuple[str, int, str]], Tags]] = {}
        self.solid = Taken()
        """Buildings, roads, water, trees."""
        self.ground = Taken()
        """Land cover: a forest and a field do not overlap, yet a road may pass a forest."""
        self.barriers: list[Barrier] = []
        self._at: dict[tuple[float, float], int] = {}

    def node(self, point: Point, tagged: Mapping[str, str] | None = None) -> int:
        """Draw a node, or give the one that is there already (to the centimetre)."""
        lon = round(LON + point[0] / (111320 * math.cos(math.radians(LAT))), 7)
        lat = round(LAT + point[1] / 111132, 7)
        number = self._at.setdefault((lon, lat), 1001 + len(self.nodes))
        known = self.nodes.get(number, (lon, lat, {}))[2]
        self.nodes[number] = (lon, lat, known | dict(tagged or {}))
        return number

    def way(self, line: Sequence[Point], tagged: Mapping[str, str]) -> int:
        """Draw an open way."""
        return self.way_of([self.node(point) for point in line], tagged)

    def area(self, ring: Sequence[Point], tagged: Mapping[str, str]) -> int:
        """Draw a closed way; the first corner is not repeated in ``ring``."""
        nodes = [self.node(point) for point in ring]
        return self.way_of([*nodes, nodes[0]], tagged)

    def way_of(self, nodes: list[int], tagged: Mapping[str, str]) -> int:
        """Draw a way of nodes that are there."""
        number = 501 + len(self.ways)
        kept = [n for i, n in enumerate(nodes) if i == 0 or n != nodes[i - 1]]
        self.ways[number] = (kept, dict(tagged))
        return number

    def relation(self, members: Sequence[tuple[str, int, str]], tagged: Mapping[str, str]) -> int:
        """Draw a relation of members (``n``, ``w`` or ``r``; id; role)."""
        number = 101 + len(self.relations)
        self.relations[number] = (list(members), dict(tagged))
        return number

    def multipolygon(
        self, outer: Sequence[Point], holes: Sequence[Sequence[Point]], tagged: Mapping[str, str]
    ) -> int:
        """Draw an area with holes, as mappers do: untagged rings and a relation."""
        members = [("w", self.area(outer, {}), "outer")]
        members += [("w", self.area(hole, {}), "inner") for hole in holes]
        return self.relation(members, {"type": "multipolygon", **tagged})

    def road(self, line: Sequence[Point], tagged: Mapping[str, str]) -> None:
        """Draw a road: with a bridge or a level crossing at every barrier on its way."""
        bed = shapely.LineString(line).buffer(WIDTHS.get(tagged["highway"], 6) / 2 + 1)
        self.solid.add(bed)
        if tagged["highway"] in WIDTHS:
            self.ground.add(bed)
        drawn, done = list(line), 0.0
        met = [
            (distance, point, barrier)
            for barrier in self.barriers
            for distance, point in crossings(drawn, barrier.line)
        ]
        pending: Line = []  # level crossings, to be carried by the part that is not yet drawn
        for distance, point, barrier in sorted(met, key=lambda item: item[0]):
            if tagged["highway"] in barrier.bridge_for:
                start, end = distance - barrier.span / 2, distance + barrier.span / 2
                self._stretch(piece(drawn, done, start), pending, tagged)
                over = {**tagged, "bridge": "yes", "layer": "1"}
                self.way(piece(drawn, start, end), over)
                done, pending = end, []
            else:
                self.node(point, {"railway": "level_crossing", "crossing:barrier": "half"})
                along = crossings(barrier.line, drawn)
                barrier.level += [item for item in along if math.dist(item[1], point) < 1]
                pending.append(point)
        if done < length(drawn) - 1:
            self._stretch(piece(drawn, done, length(drawn)), pending, tagged)

    def _stretch(self, line: Line, through: Line, tagged: Mapping[str, str]) -> None:
        if length(line) > 1:
            self.way(with_points(line, through), tagged)

    def write(self, path: Path) -> None:
        """Write the draft as an OSM file; the same draft gives the same bytes.

        The blocks are not compressed, so that the bytes do not hang on a version of zlib.
        """
        import osmium
        from osmium.osm import mutable

        header = osmium.io.Header()
        header.set("generator", "skyscript data/toy")
        file = osmium.io.File(str(path), "pbf,pbf_compression=none,add_metadata=version+timestamp")
        with osmium.SimpleWriter(file, header=header, overwrite=True) as out:
            for number, (lon, lat, tagged) in sorted(self.nodes.items()):
                node = mutable.Node(id=number, location=(lon, lat), tags=tagged)
                out.add_node(_stamped(node))
            for number, (nodes, tagged) in sorted(self.ways.items()):
                out.add_way(_stamped(mutable.Way(id=number, nodes=nodes, tags=tagged)))
            for number, (members, tagged) in sorted(self.relations.items()):
                relation = mutable.Relation(id=number, members=members, tags=tagged)
                out.add_relation(_stamped(relation))


def _stamped(element: Any) -> Any:  # noqa: ANN401 - any of osmium's three kinds
    element.version, element.timestamp, element.visible = 1, _DRAWN, True
    return element


def with_points(line: Line, points: Sequence[Point]) -> Line:
    """Give a line with further points of its own course put in, each in its place."""
    course = shapely.LineString(line)
    return sorted([*line, *points], key=lambda point: course.project(shapely.Point(point)))
