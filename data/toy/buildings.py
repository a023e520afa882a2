"""Houses along streets: what is built where, and with which roof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import shapely

from data.toy.draft import Draft, Tags, tags
from data.toy.plan import Grid
from data.toy.shapes import Frame, Line, length, position, rectangle

Weights = Mapping[str, float]
Range = tuple[float, float]


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
    garden: float = 0.0
    """Share of houses with something in the garden: a tree, a pool, a shed, a driveway."""
    roofs: str = "pitched"


ROOFS: Mapping[str, Weights] = {
    "pitched": {"gabled": 55, "hipped": 26, "half-hipped": 6, "gambrel": 4, "pyramidal": 4}
    | {"skillion": 3, "mansard": 2},
    "flat": {"flat": 74, "gabled": 12, "skillion": 6, "sawtooth": 4, "round": 4},
    "old": {"gabled": 60, "mansard": 18, "hipped": 16, "pyramidal": 4, "dome": 2},
}
MATERIALS: Mapping[str, Weights] = {
    "pitched": {"roof_tiles": 62, "slate": 14, "concrete": 6, "metal": 8, "thatch": 4}
    | {"asphalt_shingle": 6},
    "flat": {"tar_paper": 34, "gravel": 18, "concrete": 16, "metal": 22, "grass": 6, "glass": 4},
    "old": {"roof_tiles": 66, "slate": 22, "copper": 8, "stone": 4},
}
COLOURS = {"red": 40, "#8b3a2b": 20, "brown": 18, "grey": 14, "black": 8}
SUBURB = Style(
    {"yes": 40, "house": 38, "detached": 14, "semidetached_house": 5, "bungalow": 3},
    (9, 14), (8, 12), (12, 18), (11, 25), (1, 2), 0.4,
)  # fmt: skip
TERRACES = Style(
    {"yes": 30, "house": 36, "terrace": 20, "semidetached_house": 14},
    (9, 26), (9, 11), (10, 12), (2, 15), (2, 3), 0.2,
)  # fmt: skip
FLATS = Style(
    {"apartments": 62, "residential": 14, "yes": 14, "dormitory": 4, "hotel": 6},
    (22, 40), (12, 16), (13, 18), (9, 18), (3, 6), 0.15, "flat",
)  # fmt: skip
CENTRE = Style(
    {"yes": 34, "retail": 16, "commercial": 12, "apartments": 20, "house": 10, "office": 8},
    (10, 22), (11, 15), (7.5, 8.5), (0.3, 2), (3, 5), 0.0, "old",
)  # fmt: skip
WORKS = Style(
    {"industrial": 40, "warehouse": 34, "yes": 14, "manufacture": 6, "hangar": 2, "service": 4},
    (26, 58), (22, 30), (14, 18), (9, 16), (1, 2), 0.0, "flat",
)  # fmt: skip
VILLAGE = Style(
    {"yes": 34, "house": 34, "farm": 10, "barn": 10, "detached": 8, "shed": 4},
    (9, 17), (8, 12), (10, 20), (12, 44), (1, 2), 0.35,
)  # fmt: skip
SHOPS = {
    "supermarket": 3, "bakery": 4, "clothes": 5, "hairdresser": 5, "butcher": 2, "florist": 2,
    "books": 1, "convenience": 4,
}  # fmt: skip


def roof(random: Random, style: Style) -> Tags:
    """Draw what a mapper noted of a roof; often nothing."""
    if random.random() < 0.45:
        return {}
    found = {"roof:shape": pick(random, ROOFS[style.roofs])}
    if random.random() < 0.6:
        found["roof:material"] = pick(random, MATERIALS[style.roofs])
    if random.random() < 0.2:
        found["roof:colour"] = pick(random, COLOURS)
    return found


def house_tags(random: Random, style: Style, street: str, number: int) -> Tags:
    """Draw a building's tags, with the unseen ones that real objects carry."""
    found = {"building": pick(random, style.buildings), **roof(random, style)}
    if random.random() < 0.35:
        found["building:levels"] = str(round(random.uniform(*style.levels)))
    if random.random() < 0.5:
        found |= {"addr:housenumber": str(number), "addr:street": street}
    if found["building"] in ("retail", "commercial") and random.random() < 0.7:
        found["shop"] = pick(random, SHOPS)
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
