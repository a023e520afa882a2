"""Draw the island and write it: ``python -m data.toy.make_town town.osm.pbf``."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from random import Random

import shapely

from data.toy import country, lines, untidy
from data.toy.buildings import STYLES, Style, fill_block
from data.toy.draft import Draft, tags
from data.toy.facilities import Facility, country_facilities, facility, place, town_facilities
from data.toy.plan import (
    COLUMNS,
    ISLAND,
    RAIL_CELL,
    RIVER_CELL,
    ROWS,
    TOWN,
    VILLAGES,
    Grid,
    is_built,
)
from data.toy.streets import lay_town, lay_village, streets_around


def draw() -> Draft:
    """Draw the island; the same on every call."""
    draft = Draft()
    ring = country.shore()
    land = shapely.Polygon(ring)
    country.draw_shore(draft, ring)
    country.draw_waters(draft)
    lines.draw_roads(draft)
    draw_town(draft)
    draw_villages(draft)
    for plan, x, y, angle in country_facilities():
        place(draft, plan, x, y, angle)
    lines.draw_railway(draft)
    lines.draw_power(draft)
    country.draw_harbour(draft)
    untidy.draw_untidy(draft)
    untidy.draw_hidden(draft)
    country.draw_woods(draft, land)
    country.draw_fields(draft, land)
    return draft


def draw_town(draft: Draft) -> None:
    """Draw the town: streets, facilities in their blocks, houses in all others."""
    random = Random("town")
    facilities = town_facilities()
    draft.ground.add(shapely.Polygon(TOWN.outline(-9, -12, 18, 22)).buffer(40))
    lay_town(draft, [block for block, _ in facilities])
    lines.draw_banks(draft)
    for *cells, use in map(str.split, ISLAND["quarters"]):
        draft.area(TOWN.outline(*map(int, cells)), tags(f"landuse={use}"))
    taken = set()
    for (u, v, columns, rows), plan in facilities:
        put(draft, TOWN, (u, v, columns, rows), plan)
        taken |= {(u + i, v + j) for i in range(columns) for j in range(rows)}
    for u, v in ISLAND["courtyards"]:
        courtyard(draft, u, v)
    for v in ROWS[:-1]:
        for u in COLUMNS[:-1]:
            free = (u, v) not in taken and u != RIVER_CELL and v != RAIL_CELL
            if free and is_built(u, v):
                fill_block(
                    draft, random, TOWN, (u, v), style_of(random, u, v), streets_around(u, v)
                )


def put(draft: Draft, grid: Grid, block: tuple[int, int, int, int], facility: Facility) -> None:
    """Put a facility in the middle of a block, along its streets."""
    u, v, columns, rows = block
    middle = grid.at(u + columns / 2, v + rows / 2)
    ahead = grid.at(u + columns, v + rows / 2)
    angle = math.degrees(math.atan2(ahead[1] - middle[1], ahead[0] - middle[0]))
    place(draft, facility, *middle, angle)


def style_of(random: Random, u: int, v: int) -> Style:
    """Give how a block of the town is built, by its place."""
    if u >= 5 and v <= -4:
        return STYLES["works"]
    if -2 <= u <= 1 and -4 <= v <= 0:
        return STYLES["centre"]
    if -5 <= u <= 3 and -6 <= v <= 3:
        return STYLES["flats"] if random.random() < 0.35 else STYLES["terraces"]
    return STYLES["suburb"] if random.random() < 0.9 else STYLES["flats"]


def courtyard(draft: Draft, u: int, v: int) -> None:
    """Draw a closed block of the old town: one building around a court."""
    outer, court = (
        TOWN.outline(u + 0.08, v + 0.1, 0.84, 0.8),
        TOWN.outline(u + 0.22, v + 0.3, 0.56, 0.4),
    )
    draft.solid.add(shapely.Polygon(outer))
    found = tags("building=apartments roof:shape=gabled roof:material=roof_tiles building:levels=4")
    draft.multipolygon(outer, [court], found)


def draw_villages(draft: Draft) -> None:
    """Draw each village: streets, a church, a green, houses."""
    church, green = facility("village_church"), facility("village_green")
    blocks = ((1, 1, 1, 1), church), ((3, 2, 1, 1), green)
    for village in VILLAGES:
        random = Random(village.name)
        outline = village.grid.outline(-0.2, -0.2, village.columns + 0.4, village.rows + 0.4)
        draft.area(outline, tags("landuse=residential"))
        draft.ground.add(shapely.Polygon(outline))
        draft.node(village.grid.at(2.5, 2.1), tags("place=village", name=village.name))
        lay_village(draft, village)
        for block, plan in blocks:
            put(draft, village.grid, block, plan)
        for u in range(village.columns):
            for v in range(village.rows):
                if (u, v, 1, 1) not in [block for block, _ in blocks]:
                    names = streets_around(u, v)
                    fill_block(draft, random, village.grid, (u, v), STYLES["village"], names)


def main(arguments: list[str]) -> int:
    """Write the extract to the path that is given."""
    if len(arguments) != 1:
        print("usage: python -m data.toy.make_town OUT.osm.pbf", file=sys.stderr)  # noqa: T201
        return 2
    draw().write(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
