"""Facilities with a plan of their own (a school, a stadium, a marina), and how they are placed.

``facilities.yaml`` holds the plans. A line of it is one shape: its form, numbers in metres, and
after a comma its tags.

=========================================  =======================================================
``rect x y width height``                  an area
``tilted x y width height angle``          the same, turned about its lower left corner
``disc x y rx [ry]``                       a round area
``oval x y width height``                  an area with straight sides and round ends (a track)
``poly x y  x y …``, ``line x y  x y …``   an area by its corners; an open way
``dot x y``                                a node
``trees x y width height count``           trees at random places of a rectangle
``hole`` and a form                        a hole in the area before it: a multipolygon relation
``nx x ny by dx dy:`` and a shape          the shape ``nx`` by ``ny`` times
=========================================  =======================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import shapely
import yaml

from data.toy.buildings import plant_tree
from data.toy.draft import Draft, tags
from data.toy.plan import number
from data.toy.shapes import Frame, Line, Point, ellipse, rectangle

_PLANS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("facilities.yaml").read_text())


@dataclass(frozen=True)
class Shape:
    """One object of a facility."""

    kind: str
    """area, line, dot or trees."""
    line: tuple[Point, ...]
    text: str
    holes: tuple[tuple[Point, ...], ...] = ()
    count: int = 1


@dataclass(frozen=True)
class Facility:
    """A facility: its size in metres and its shapes, ground first."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    name: str = ""
    """The name of the first shape."""


def facility(name: str) -> Facility:
    """Give a facility by its name in ``facilities.yaml``."""
    plan = _PLANS["facilities"][name]
    width, height = plan["size"]
    return Facility(width, height, read_shapes(plan["shapes"]), plan["name"])


def read_shapes(texts: Iterable[str]) -> tuple[Shape, ...]:
    """Read the lines of a table of shapes."""
    shapes: list[Shape] = []
    for text in texts:
        if text.startswith("hole "):
            hole = _shape(text.removeprefix("hole ")).line
            shapes[-1] = replace(shapes[-1], holes=(*shapes[-1].holes, hole))
        else:
            shapes += _shapes(text)
    return tuple(shapes)


def town_facilities() -> list[tuple[tuple[int, int, int, int], Facility]]:
    """Give the facilities of the town with their blocks (column, row, columns, rows)."""
    placed = [line.split() for line in _PLANS["town"]]
    return [
        ((int(u), int(v), int(columns), int(rows)), facility(name))
        for name, u, v, columns, rows in placed
    ]


def country_facilities() -> Iterator[tuple[Facility, float, float, float]]:
    """Give the facilities outside the town with their middle and their direction."""
    for line in _PLANS["country"]:
        name, *numbers = line.split()
        x, y, angle = map(number, numbers)
        yield facility(name), x, y, angle


def _shapes(text: str) -> Iterator[Shape]:
    """Give the shape of a line of ``facilities.yaml``, or its copies in rows and columns."""
    repeat, _, text = text.rpartition(": ")
    shape = _shape(text)
    if not repeat:
        yield shape
        return
    nx, _, ny, _, *steps = repeat.split()
    dx, dy = map(number, steps)
    for j in range(int(ny)):
        for i in range(int(nx)):
            moved = tuple((x + i * dx, y + j * dy) for x, y in shape.line)
            yield replace(shape, line=moved)


def _shape(text: str) -> Shape:
    form, _, tagged = text.partition(", ")
    name, *numbers = form.split()
    values = [number(text) for text in numbers]
    if name == "trees":
        return Shape("trees", tuple(rectangle(*values[:4])), "", count=int(values[4]))
    if name in ("line", "dot", "poly"):
        points = tuple((x, y) for x, y in zip(values[::2], values[1::2], strict=True))
        return Shape("area" if name == "poly" else name, points, tagged)
    return Shape("area", tuple(_AREAS[name](*values)), tagged)


def _tilted(x: float, y: float, width: float, height: float, angle: float) -> Line:
    return Frame(x, y, angle).all(rectangle(0, 0, width, height))


def _disc(x: float, y: float, rx: float, ry: float = 0) -> Line:
    return ellipse(x, y, rx, ry or rx)


def _oval(x: float, y: float, width: float, height: float) -> Line:
    r = height / 2
    ends = [(x + width - r, 1.0), (x + r, -1.0)]
    cap = ellipse(0, 0, r, r, 20)
    points: Line = []
    for centre, way in ends:
        half = list(cap[15:] + cap[:6] if way > 0 else cap[5:16])
        points += [(centre + px, y + r + py) for px, py in half]
    return points


_AREAS: dict[str, Callable[..., Line]] = {
    "rect": rectangle,
    "tilted": _tilted,
    "disc": _disc,
    "oval": _oval,
}


_SOLID = (
    *("building", "leisure=pitch", "natural=water", "amenity=parking", "leisure=swimming_pool"),
    *("amenity=fountain", "leisure=track", "man_made=s"),
)


def place(draft: Draft, facility: Facility, x: float, y: float, angle: float) -> None:
    """Draw a facility with its middle at a position, and take its ground."""
    middle = Frame(x, y, angle)
    frame = Frame(*middle.at(-facility.width / 2, -facility.height / 2), angle)
    random = Random(f"{facility.name} {x:.0f} {y:.0f}")
    draw_shapes(draft, facility.shapes, frame, facility.name)
    for shape in facility.shapes:
        points = frame.all(shape.line)
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


def draw_shapes(draft: Draft, shapes: Sequence[Shape], frame: Frame, name: str = "") -> None:
    """Draw shapes in a frame; the first one carries the name. Trees are not drawn."""
    for index, shape in enumerate(shapes):
        tagged = tags(shape.text)
        if index == 0 and name:
            tagged["name"] = name
        points = frame.all(shape.line)
        if shape.holes:
            draft.multipolygon(points, [frame.all(hole) for hole in shape.holes], tagged)
        elif shape.kind == "area":
            draft.area(points, tagged)
        elif shape.kind == "line":
            draft.way(points, tagged)
        elif shape.kind == "dot":
            draft.node(points[0], tagged)
