"""The land around the town: shore, waters, woods, fields."""

from __future__ import annotations

import itertools
import math
from random import Random

import shapely

from data.toy.buildings import pick
from data.toy.draft import Draft, tags
from data.toy.facilities import draw_shapes, read_shapes
from data.toy.plan import COAST, ISLAND, LAKE, RESERVOIR, RIVER, STREAM, TOWN, VILLAGES, Grid
from data.toy.shapes import Frame, Line, Point, beside, blob, ribbon, smooth


def shore() -> Line:
    """Give the island's ring: the control points, smoothed and frayed but for the harbour."""
    ring, walked = smooth([*COAST, COAST[0]], 75)[:-1], 0.0
    frayed: Line = []
    for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
        span = math.dist(a, b)
        wave = 20 * math.sin(walked / 170) + 12 * math.sin(walked / 61 + 1)
        harbour = -1400 < a[0] < 1800 and a[1] < 0
        off = 0.0 if harbour else wave
        frayed.append((a[0] - off * (b[1] - a[1]) / span, a[1] + off * (b[0] - a[0]) / span))
        walked += span
    return frayed


def draw_shore(draft: Draft, ring: Line) -> None:
    """Draw the coast as four ways, the island's border as their relation, and the beaches."""
    closed = [*ring, ring[0]]
    step = len(ring) // 4
    cuts = [0, step, 2 * step, 3 * step, len(ring)]
    ways = [
        draft.way(closed[start : end + 1], tags("natural=coastline source=survey"))
        for start, end in itertools.pairwise(cuts)
    ]
    members = [("w", way, "outer") for way in ways]
    draft.relation(members, tags("type=boundary boundary=administrative admin_level=4"))
    beaches = ((7000, 9000, "natural=beach surface=sand"), (-5900, -5000, "natural=beach"))
    for west, east, text in beaches:
        strip = [p for p in ring if west < p[0] < east and p[1] < -1500]
        draft.area([*strip, *reversed(beside(strip, 46))], tags(text))
    bays = ((-1900, 2400, -1300, "Harbour Bay"), (6800, 9300, -3000, "Sanda Bay"))
    for west, east, north, name in bays:
        strip = [p for p in ring if west < p[0] < east and p[1] < north]
        outside = [(strip[-1][0], strip[-1][1] - 900), (strip[0][0], strip[0][1] - 900)]
        draft.area([*strip, *outside], tags("natural=bay", name=name))
    shingle = [p for p in ring if -9800 < p[0] < -8600 and -700 < p[1] < 1000]
    draft.area([*shingle, *reversed(beside(shingle, 30))], tags("natural=beach surface=shingle"))
    rocks = [p for p in ring if p[0] < -7300 and p[1] > 4600]
    draft.way(beside(rocks, 12), tags("natural=cliff"))
    for i, spot in enumerate(p for p in ring if 7400 < p[0] < 8800 and p[1] < -3000):
        if i % 3 == 0:
            draft.way([spot, (spot[0], spot[1] - 60)], tags("man_made=groyne"))


def draw_harbour(draft: Draft) -> None:
    """Draw the quay and what lies before it: marina, piers, breakwater, lighthouse, cranes."""
    draw_shapes(draft, read_shapes(ISLAND["harbour"]), Frame(0, 0))
    for x in range(140, 760, 90):
        draw_shapes(draft, read_shapes(ISLAND["pier"]), Frame(x, 0))
    draw_shapes(draft, read_shapes(ISLAND["quay"]), Frame(0, 0))


def draw_waters(draft: Draft) -> None:
    """Draw river, stream, lake with its island, reservoir with its dam; they take their ground."""
    random = Random("waters")
    lake = blob(random, *LAKE, 680, 430, 0.12, 44)
    island = blob(random, LAKE[0] - 120, LAKE[1] + 60, 90, 60, 0.15, 16)
    draft.multipolygon(lake, [island], tags("natural=water water=lake", name="Mirror Lake"))
    draft.area(blob(random, LAKE[0] - 120, LAKE[1] + 60, 50, 30), tags("natural=wood"))
    pool = blob(random, *RESERVOIR, 330, 300, 0.1, 30)
    draft.area(pool, tags("natural=water water=reservoir"))
    dam = [(-4260, 5560), (-4060, 5560), (-3980, 5640)]
    draft.way(dam, tags("waterway=dam surface=concrete"))
    river = ribbon(RIVER, 30)
    draft.area(river, tags("natural=water water=river"))
    draft.way(RIVER, tags("waterway=river width=30", name="Tagwater"))
    draft.way(STREAM, tags("waterway=stream"))
    draft.way(STREAM[6:8], tags("waterway=waterfall"))
    weir = Frame(*RIVER[30], 0)
    draft.way([weir.at(-17, 6), weir.at(17, -6)], tags("waterway=weir"))
    draft.area([weir.at(18, 8), weir.at(26, 8), weir.at(26, -26), weir.at(18, -26)],
               tags("natural=water water=lock"))  # fmt: skip
    for ring in (lake, pool, river):
        draft.solid.add(shapely.Polygon(ring).buffer(0))
        draft.ground.add(shapely.Polygon(ring).buffer(0))
    draft.solid.add(shapely.LineString(STREAM).buffer(4))


def draw_woods(draft: Draft, land: shapely.Polygon) -> None:
    """Draw the woods and other land cover of the plan, and seeded copses between the fields."""
    random = Random("woods")
    copses = [
        (pick(random, {"natural=wood": 5, "landuse=forest": 4, "natural=scrub": 3}),
         random.uniform(-8000, 10000), random.uniform(-2500, 7500),
         random.uniform(40, 130), random.uniform(40, 110), 0)
        for _ in range(60)
    ]  # fmt: skip
    woods = [entry.partition(", ") for entry in ISLAND["woods"]]
    planned = [(text, *map(int, numbers.split())) for text, _, numbers in woods]
    for text, x, y, rx, ry, clearings in [*planned, *copses]:
        ring = fitting_blob(draft, random, land, (x, y), (rx, ry))
        if ring is None:
            continue
        spots = [(x + rx * 0.4 * math.cos(2.1 * i), y + ry * 0.4 * math.sin(2.1 * i))
                 for i in range(clearings)]  # fmt: skip
        holes = [blob(random, *spot, rx * 0.14, ry * 0.14, 0.2, 14) for spot in spots]
        inside = [hole for hole in holes if shapely.Polygon(ring).contains(shapely.Polygon(hole))]
        if inside:
            draft.multipolygon(ring, inside, tags(text))
            draft.area(inside[0], tags("landuse=meadow"))
        else:
            draft.area(ring, tags(text))


def fitting_blob(
    draft: Draft, random: Random, land: shapely.Polygon, middle: Point, half: Point
) -> Line | None:
    """Give an irregular shape that lies on free land, shrunk until it does; or nothing."""
    shape = blob(random, 0, 0, 1, 1, 0.16, 20 + int(half[0] / 40))
    for shrink in (1, 0.8, 0.6, 0.45, 0.3):
        ring = [(middle[0] + x * half[0] * shrink, middle[1] + y * half[1] * shrink)
                for x, y in shape]  # fmt: skip
        polygon = shapely.Polygon(ring)
        if land.contains(polygon) and draft.ground.claim(polygon):
            return ring
    return None


def draw_fields(draft: Draft, land: shapely.Polygon) -> None:
    """Draw the fields around each village and the town, whole or in quarters as there is room."""
    random = Random("fields")
    places = [(village.grid, village.crop) for village in VILLAGES] + [(TOWN, "wheat")]
    for streets, crop in places:
        middle = streets.at(2.5, 2) if streets is not TOWN else (0.0, 0.0)
        lattice = Grid(*middle, streets.angle + 6, 310, 230, 26)
        for u in range(-7, 7):
            for v in range(-9, 9):
                if math.dist(lattice.at(u, v), middle) < 1650 and random.random() < 0.8:
                    if field(draft, random, land, lattice.outline(u, v, 0.97, 0.96), crop):
                        continue
                    for i, j in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
                        part = lattice.outline(u + i, v + j, 0.47, 0.46)
                        if random.random() < 0.6:
                            field(draft, random, land, part, crop)


def field(draft: Draft, random: Random, land: shapely.Polygon, ring: Line, crop: str) -> bool:
    """Draw a field if its ground is free; a few get a hedge or a row of trees along a side."""
    polygon = shapely.Polygon(ring)
    if not land.contains(polygon) or not draft.solid.free(polygon):
        return False
    if not draft.ground.claim(polygon):
        return False
    use = (
        "vineyard" if crop == "maize" and random.random() < 0.25 else pick(random, ISLAND["fields"])
    )
    found = tags(f"landuse={use}")
    if use == "farmland" and random.random() < 0.6:
        found["crop"] = crop if random.random() < 0.4 else random.choice(ISLAND["crops"])
    if use == "orchard":
        found["trees"] = random.choice(["apple_trees", "olive_trees", "orange_trees"])
    draft.area(ring, found)
    edge = [ring[0], ring[1], ring[2]]
    if random.random() < 0.1:
        text = pick(random, {"barrier=hedge": 3, "natural=tree_row": 3, "waterway=ditch": 2,
                             "barrier=wall wall=dry_stone": 1, "barrier=fence": 1})  # fmt: skip
        draft.way(edge, tags(text))
    return True
