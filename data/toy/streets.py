"""Streets of the town and the villages: runs along the grid, with crossings and trees."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from data.toy.buildings import pick, plant_tree
from data.toy.draft import Draft, Tags, tags, with_points
from data.toy.plan import (
    AVENUE,
    BRIDGES,
    COLUMNS,
    LEVEL_COLUMNS,
    MAIN_STREET,
    RAIL_CELL,
    RIVER_CELL,
    ROWS,
    TOWN,
    Grid,
    Village,
    is_built,
)
from data.toy.shapes import Frame, Line, length, position

Edge = tuple[str, int, int]
"""A street between two corners: ``u`` along a row from (u, v), ``v`` along a column."""

FIRST = ("Harbour", "Mill", "Church", "Castle", "Lime", "Station", "Garden", "River", "Meadow")
SECOND = ("Street", "Lane", "Road", "Row")
SURFACES = {"asphalt": 70, "paving_stones": 10, "concrete": 8, "sett": 5, "cobblestone": 3}


def street_name(axis: str, index: int) -> str:
    """Give the name of a row or a column; the same on every call."""
    place = index + 12 + (7 if axis == "v" else 0)
    return f"{FIRST[place % len(FIRST)]} {SECOND[(place // 3 + index) % len(SECOND)]}"


def streets_around(u: int, v: int) -> list[str]:
    """Give the names of the streets below, above, left and right of a block."""
    sides = (("u", v), ("u", v + 1), ("v", u), ("v", u + 1))
    return [street_name(axis, index) for axis, index in sides]


def town_edges(merged: list[tuple[int, int, int, int]], random: Random) -> set[Edge]:
    """Give the town's streets: none inside a merged block, few over the river and the rails."""
    edges: set[Edge] = set()
    blocks = {(u, v) for u in COLUMNS[:-1] for v in ROWS[:-1] if is_built(u, v)}
    for u, v, columns, rows in merged:
        blocks |= {(u + i, v + j) for i in range(columns) for j in range(rows)}
    blocks = {(u, v) for u, v in blocks if u != RIVER_CELL and v != RAIL_CELL}
    for u in COLUMNS:
        for v in ROWS:
            if (u == RIVER_CELL and v in BRIDGES) or (v == MAIN_STREET and u < COLUMNS[-1]):
                edges.add(("u", u, v))
            if blocks & {(u, v), (u, v - 1)} and u != RIVER_CELL:
                edges.add(("u", u, v))
            over_rails = u in LEVEL_COLUMNS and (u, RAIL_CELL + 1) in blocks
            if over_rails if v == RAIL_CELL else blocks & {(u, v), (u - 1, v)}:
                edges.add(("v", u, v))
    edges |= {("v", AVENUE, v) for v in ROWS[:-1]}
    for u, v, columns, rows in merged:
        edges -= {("u", u + i, v + j) for i in range(columns) for j in range(1, rows)}
        edges -= {("v", u + i, v + j) for i in range(1, columns) for j in range(rows)}
    # A few gaps keep the plan from looking like a chessboard.
    spare = sorted(e for e in edges if e[1] not in (RIVER_CELL, RIVER_CELL + 1) and e[0] == "v")
    return edges - {e for e in spare if e[1] != AVENUE and random.random() < 0.06}


def town_class(random: Random, axis: str, index: int, start: int) -> Tags:
    """Give the tags of a street of the town by its place."""
    if axis == "v" and index == AVENUE:
        return tags("highway=primary surface=asphalt lanes=2 lit=yes", ref="1")
    if axis == "u" and index == MAIN_STREET:
        return tags("highway=secondary surface=asphalt lanes=2 lit=yes", ref="12")
    if (axis, index) in {("u", -8), ("u", 4), ("v", -3), ("v", 6)}:
        return tags("highway=tertiary surface=asphalt lit=yes")
    if axis == "u" and index in (-2, -1) and start == -1:
        return tags("highway=pedestrian surface=paving_stones")
    found = tags("highway=residential", surface=pick(random, SURFACES))
    if random.random() < 0.12:
        found["highway"] = "living_street"
    elif random.random() < 0.15:
        found["oneway"] = "yes"
    if random.random() < 0.3:
        found["maxspeed"] = "30"
    if random.random() < 0.2:
        found["sidewalk"] = "both"
    return found


def runs(
    edges: set[Edge], cuts: dict[tuple[str, int], set[int]]
) -> list[tuple[str, int, int, int]]:
    """Give the streets as unbroken runs (axis, index, start, end); ``cuts`` part a run."""
    found = []
    for axis in ("u", "v"):
        lines: dict[int, list[int]] = {}
        for kind, u, v in sorted(edges):
            if kind == axis:
                lines.setdefault(v if axis == "u" else u, []).append(u if axis == "u" else v)
        for index, places in sorted(lines.items()):
            start = previous = min(places)
            for place in [*sorted(places)[1:], 10**6]:
                if place != previous + 1 or place in cuts.get((axis, index), ()):
                    found.append((axis, index, start, previous + 1))
                    start = place
                previous = place
    return found


def lay(
    draft: Draft,
    grid: Grid,
    edges: set[Edge],
    class_of: Callable[[str, int, int], Tags],
    cuts: dict[tuple[str, int], set[int]],
) -> list[tuple[Line, Tags]]:
    """Draw the streets of a grid and give them; corners are shared nodes."""
    drawn = []
    for axis, index, start, end in runs(edges, cuts):
        steps = range(2 * start, 2 * end + 1)
        along = [grid.at(i / 2, index) if axis == "u" else grid.at(index, i / 2) for i in steps]
        tagged = class_of(axis, index, start)
        crossings = [at for at in range(118, int(length(along)) - 60, 260) if is_busy(tagged)]
        draft.road(with_points(along, [position(along, at)[0] for at in crossings]), tagged)
        drawn.append((along, tagged))
    return drawn


def lay_town(draft: Draft, merged: list[tuple[int, int, int, int]]) -> None:
    """Draw the town's streets, their crossings, lamps, stops and trees."""
    random = Random("streets")
    edges = town_edges(merged, random)
    cuts = {("u", -2): {-1, 2}, ("u", -1): {-1, 2}, ("v", -3): {0}, ("v", 6): {0}}

    def class_of(axis: str, index: int, start: int) -> Tags:
        named = {"name": street_name(axis, index)}
        return {**town_class(random, axis, index, start), **named}

    for line, tagged in lay(draft, TOWN, edges, class_of, cuts):
        furnish(draft, random, line, tagged)


def is_busy(tagged: Tags) -> bool:
    """Say whether a street has crossings and bus stops."""
    return tagged["highway"] in ("primary", "secondary", "tertiary")


def furnish(draft: Draft, random: Random, line: Line, tagged: Tags) -> None:
    """Put crossings, bus stops, lamps and trees along a street."""
    if busy := is_busy(tagged):
        for at in range(118, int(length(line)) - 60, 260):
            kind = pick(random, {"zebra": 5, "uncontrolled": 3, "traffic_signals": 2, "marked": 2})
            crossing(draft, line, at, kind)
        for at in range(180, int(length(line)) - 60, 420):
            spot, angle = position(line, at)
            side = Frame(*spot, angle).at(0, -7)
            draft.node(
                side, tags("highway=bus_stop public_transport=platform bench=yes shelter=yes")
            )
    if busy or random.random() < 0.08:
        for at in range(24, int(length(line)) - 20, 29):
            spot, angle = position(line, at)
            if random.random() < 0.55:
                plant_tree(draft, random, Frame(*spot, angle).at(0, 7.4 if at % 2 else -7.4))
    if random.random() < 0.1:
        for at in range(15, int(length(line)), 60):
            spot, angle = position(line, at)
            draft.node(Frame(*spot, angle).at(0, 5), tags("highway=street_lamp"))


def crossing(draft: Draft, line: Line, at: float, kind: str) -> None:
    """Draw a crossing: its node, and the footway over the street that carries it."""
    spot, angle = position(line, at)
    frame = Frame(*spot, angle)
    marked = tags(f"highway=crossing crossing={kind}")
    if kind in ("zebra", "uncontrolled"):
        marked["crossing:markings"] = "zebra"
    draft.node(spot, marked)
    over = tags("highway=footway footway=crossing surface=asphalt")
    draft.way([frame.at(0, -8), spot, frame.at(0, 8)], over | {k: marked[k] for k in ("crossing",)})


def lay_village(draft: Draft, village: Village) -> None:
    """Draw a village's streets; the middle row is its through road."""
    random = Random(f"streets {village.name}")
    edges: set[Edge] = set()
    for u in range(village.columns + 1):
        for v in range(village.rows + 1):
            if u < village.columns and (v == 2 or random.random() < 0.8):
                edges.add(("u", u, v))
            if v < village.rows and (u == 2 or random.random() < 0.75):
                edges.add(("v", u, v))

    def class_of(axis: str, index: int, start: int) -> Tags:
        kind = {("u", 2): "secondary", ("v", 2): "tertiary"}.get((axis, index), "residential")
        surface = "asphalt" if kind != "residential" else pick(random, SURFACES | {"gravel": 12})
        return tags(f"highway={kind} surface={surface}", name=street_name(axis, index + start))

    for line, tagged in lay(draft, village.grid, edges, class_of, {}):
        if tagged["highway"] != "residential":
            furnish(draft, random, line, tagged)
