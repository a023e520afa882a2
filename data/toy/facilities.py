"""What has a plan of its own (a school, a stadium, a marina) and how it is put on the ground.

A facility is a small table of shapes in its own metres, from its lower left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import shapely

from data.toy.buildings import plant_tree
from data.toy.draft import Draft, tags
from data.toy.shapes import Frame, Line, Point, ellipse, rectangle


@dataclass(frozen=True)
class Shape:
    """One object of a facility."""

    kind: str
    """area, line, dot or trees (a number of trees strewn over the area)."""
    line: tuple[Point, ...]
    text: str
    holes: tuple[tuple[Point, ...], ...] = ()
    count: int = 1


@dataclass(frozen=True)
class Facility:
    """A thing with a plan: its size in metres and its shapes, ground first."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    name: str = ""
    """Given to the first shape."""


def rect(x: float, y: float, width: float, height: float, text: str) -> Shape:
    """Give a rectangular area."""
    return Shape("area", tuple(rectangle(x, y, width, height)), text)


def tilted(x: float, y: float, width: float, height: float, angle: float, text: str) -> Shape:
    """Give a rectangular area turned about its lower left corner."""
    return Shape("area", tuple(Frame(x, y, angle).all(rectangle(0, 0, width, height))), text)


def disc(x: float, y: float, rx: float, text: str, ry: float = 0) -> Shape:
    """Give a round area."""
    return Shape("area", tuple(ellipse(x, y, rx, ry or rx)), text)


def oval(x: float, y: float, width: float, height: float, text: str) -> Shape:
    """Give a running track's shape: straights with round ends, as an area."""
    r = height / 2
    ends = [(x + width - r, 1.0), (x + r, -1.0)]
    cap = ellipse(0, 0, r, r, 20)
    points: Line = []
    for centre, way in ends:
        half = list(cap[15:] + cap[:6] if way > 0 else cap[5:16])
        points += [(centre + px, y + r + py) for px, py in half]
    return Shape("area", tuple(points), text)


def poly(points: Sequence[Point], text: str) -> Shape:
    """Give an area by its corners."""
    return Shape("area", tuple(points), text)


def line(points: Sequence[Point], text: str) -> Shape:
    """Give an open way."""
    return Shape("line", tuple(points), text)


def dot(x: float, y: float, text: str) -> Shape:
    """Give a node."""
    return Shape("dot", ((x, y),), text)


def trees(x: float, y: float, width: float, height: float, count: int) -> Shape:
    """Give trees strewn over a rectangle, where the ground is free."""
    return Shape("trees", tuple(rectangle(x, y, width, height)), "", count=count)


def holed(shape: Shape, *holes: Shape) -> Shape:
    """Give an area with holes: a multipolygon relation."""
    return replace(shape, holes=tuple(hole.line for hole in holes))


def rows(shape: Shape, nx: int, ny: int, dx: float, dy: float) -> list[Shape]:
    """Give a shape ``nx`` by ``ny`` times."""
    return [
        replace(shape, line=tuple((x + i * dx, y + j * dy) for x, y in shape.line))
        for j in range(ny)
        for i in range(nx)
    ]


_SOLID: tuple[str, ...] = (
    "building",
    "leisure=pitch",
    "natural=water",
    "amenity=parking",
    "leisure=swimming_pool",
)
_SOLID += ("amenity=fountain", "leisure=track", "man_made=s")


def place(draft: Draft, facility: Facility, x: float, y: float, angle: float) -> None:
    """Draw a facility with its middle at a position, and take its ground."""
    middle = Frame(x, y, angle)
    frame = Frame(*middle.at(-facility.width / 2, -facility.height / 2), angle)
    random = Random(f"{facility.name} {x:.0f} {y:.0f}")
    for index, shape in enumerate(facility.shapes):
        tagged = tags(shape.text)
        if index == 0 and facility.name:
            tagged["name"] = facility.name
        points = frame.all(shape.line)
        if shape.kind == "area" and shape.holes:
            draft.multipolygon(points, [frame.all(hole) for hole in shape.holes], tagged)
        elif shape.kind == "area":
            draft.area(points, tagged)
        elif shape.kind == "line":
            draft.way(points, tagged)
        elif shape.kind == "dot":
            draft.node(points[0], tagged)
        if shape.kind == "area" and shape.text.startswith(_SOLID):
            draft.solid.add(shapely.Polygon(points))
        if shape.kind == "line" and "highway=" in shape.text:
            draft.solid.add(shapely.LineString(points).buffer(2.5))
    for shape in facility.shapes:
        if shape.kind == "trees":
            (west, south), (east, north) = shape.line[0], shape.line[2]
            for _ in range(shape.count):
                spot = random.uniform(west, east), random.uniform(south, north)
                plant_tree(draft, random, frame.at(*spot))
    whole = shapely.Polygon(frame.all(rectangle(0, 0, facility.width, facility.height)))
    draft.solid.add(whole)
    draft.ground.add(whole)
