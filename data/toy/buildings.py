"""Houses along streets: what is built where, and with which roof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import shapely

from data.toy.draft import Draft, Tags, tags
from data.toy.plan import ISLAND, Grid
from data.toy.shapes import Frame, Line, length, position, rectangle

Weights = Mapping[str, float]
Range = Sequence[float]
"""The least and the largest value."""


def pick(random: Random, weights: Weights) -> str:
    """Draw a word by its weight."""
    at = random.random() * sum(weights.values())
    for word, weight in weights.items():
        at -= weight
        if at < 0:
            return word
    return word


@dataclass(frozen=True)
class Style:
    """How the blocks of a quarter are built."""

    buildings: Weights
    """Values of ``building`` by weight."""
    width: Range
    depth: Range
    setback: Range
    """Metres between the middle of the street and the front."""
    gap: Range
    levels: Range
    garden: float
    """Share of houses with something in the garden: a tree, a pool, a shed, a driveway."""
    roofs: str
    """A key of the tables of roofs and their materials."""


STYLES = {name: Style(**entry) for name, entry in ISLAND["styles"].items()}


def roof(random: Random, style: Style) -> Tags:
    """Draw what a mapper noted of a roof; often nothing."""
    if random.random() < 0.45:
        return {}
    found = {"roof:shape": pick(random, ISLAND["roofs"][style.roofs])}
    if random.random() < 0.6:
        found["roof:material"] = pick(random, ISLAND["roof materials"][style.roofs])
    if random.random() < 0.2:
        found["roof:colour"] = pick(random, ISLAND["roof colours"])
    return found


def house_tags(random: Random, style: Style, street: str, number: int) -> Tags:
    """Draw a building's tags, with the unseen ones that real objects carry."""
    found = {"building": pick(random, style.buildings), **roof(random, style)}
    if random.random() < 0.35:
        found["building:levels"] = str(round(random.uniform(*style.levels)))
    if random.random() < 0.5:
        found |= {"addr:housenumber": str(number), "addr:street": street}
    if found["building"] in ("retail", "commercial") and random.random() < 0.7:
        found["shop"] = pick(random, ISLAND["shops"])
        found["opening_hours"] = "Mo-Fr 09:00-18:00; Sa 09:00-13:00"
    if random.random() < 0.06:
        found["building:material"] = pick(random, {"brick": 5, "wood": 3, "concrete": 2})
    if random.random() < 0.05:
        found["source"] = "survey"
    return found


def fill_street(
    draft: Draft, random: Random, street: Line, side: int, style: Style, name: str
) -> None:
    """Build along one side of a street (1 left, -1 right), wherever the ground is free."""
    at, end, number = style.setback[1] + 2, length(street) - style.setback[1] - 2, 1
    while at < end:
        width, depth = random.uniform(*style.width), random.uniform(*style.depth)
        if at + width > end + 4:
            return
        spot, angle = position(street, at + width / 2)
        frame = Frame(*spot, angle + (0 if side > 0 else 180))
        setback = random.uniform(*style.setback)
        outline = house_outline(random, width, depth)
        ring = frame.all([(x - width / 2, y + setback) for x, y in outline])
        if draft.solid.claim(shapely.Polygon(ring)):
            draft.area(ring, house_tags(random, style, name, number))
            if random.random() < style.garden:
                garden(draft, random, frame, width, setback, depth)
        number += 2
        at += width + random.uniform(*style.gap)


def house_outline(random: Random, width: float, depth: float) -> Line:
    """Give a ground plan: a rectangle, or an L where the house is wide."""
    if width < 11 or random.random() < 0.65:
        return rectangle(0, 0, width, depth)
    wing = width * random.uniform(0.4, 0.6)
    back = depth + random.uniform(3, 6)
    return [(0, 0), (width, 0), (width, depth), (wing, depth), (wing, back), (0, back)]


def garden(
    draft: Draft, random: Random, frame: Frame, width: float, setback: float, depth: float
) -> None:
    """Draw one thing that a garden has, if there is room for it."""
    what = pick(random, {"tree": 40, "drive": 26, "pool": 16, "shed": 10, "hedge": 8})
    behind = setback + depth
    if what == "tree":
        spot = frame.at(random.uniform(-width / 2, width / 2), behind + random.uniform(6, 9))
        plant_tree(draft, random, spot)
    elif what == "drive":
        line = [frame.at(width / 2 + 2.2, 0), frame.at(width / 2 + 2.2, setback + 4)]
        if draft.solid.free(shapely.LineString([line[1], frame.at(width / 2 + 2.2, 7)])):
            draft.way(line, tags("highway=service service=driveway"))
    elif what == "pool":
        corner = random.uniform(-width / 2, width / 2 - 8)
        lie(draft, frame.all(rectangle(corner, behind + 4, 8, 4)), "leisure=swimming_pool")
    elif what == "shed":
        kind = pick(random, {"shed": 4, "garage": 4, "greenhouse": 2})
        lie(draft, frame.all(rectangle(-width / 2, behind + 5, 4, 3)), f"building={kind}")
    elif behind < 34:
        draft.way(
            frame.all([(-width / 2 - 3, setback), (-width / 2 - 3, behind + 6)]),
            tags("barrier=hedge"),
        )


def lie(draft: Draft, ring: Line, text: str) -> bool:
    """Draw an area if its ground is free."""
    if draft.solid.claim(shapely.Polygon(ring)):
        draft.area(ring, tags(text))
        return True
    return False


def plant_tree(draft: Draft, random: Random, spot: tuple[float, float]) -> None:
    """Draw a tree if its ground is free, with what its mapper noted."""
    if not draft.solid.claim(shapely.Point(spot).buffer(2)):
        return
    found = tags("natural=tree")
    if random.random() < 0.35:
        found["leaf_type"] = pick(random, {"broadleaved": 4, "needleleaved": 1})
        found["leaf_cycle"] = "deciduous" if found["leaf_type"] == "broadleaved" else "evergreen"
    draft.node(spot, found)


def fill_block(
    draft: Draft,
    random: Random,
    grid: Grid,
    cell: tuple[int, int],
    style: Style,
    names: Sequence[str],
) -> None:
    """Build on all four sides of a block."""
    u, v = cell
    sides = [
        ([grid.at(u, v), grid.at(u + 0.5, v), grid.at(u + 1, v)], 1, names[0]),
        ([grid.at(u, v + 1), grid.at(u + 0.5, v + 1), grid.at(u + 1, v + 1)], -1, names[1]),
        ([grid.at(u, v), grid.at(u, v + 1)], -1, names[2]),
        ([grid.at(u + 1, v), grid.at(u + 1, v + 1)], 1, names[3]),
    ]
    for street, side, name in sides:
        fill_street(draft, random, street, side, style, name)
