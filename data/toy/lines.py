"""What runs far: country roads, the motorway, the railway, power lines, a cable car."""

from __future__ import annotations

import math
from random import Random

import shapely

from data.toy.draft import EVERY_ROAD, Barrier, Draft, Tags, tags, with_points
from data.toy.plan import (
    AVENUE,
    CABLE_CAR,
    HARBOUR_TRACK,
    ISLAND,
    JUNCTION,
    MOTORWAY,
    POWER_LINE,
    RAILWAY,
    RIVER,
    STREAM,
    TOWN,
    VILLAGES,
    points,
)
from data.toy.shapes import (
    Frame,
    Line,
    beside,
    crossings,
    length,
    piece,
    position,
    rectangle,
    ribbon,
    smooth,
)

_LARGE = frozenset({"motorway", "trunk", "primary"})
RAILS = (Barrier(RAILWAY, _LARGE, 50), Barrier(HARBOUR_TRACK, _LARGE, 50))


def draw_roads(draft: Draft) -> None:
    """Draw the country roads; every barrier must be known before."""
    draft.barriers += [Barrier(RIVER, EVERY_ROAD, 60), Barrier(STREAM, EVERY_ROAD, 14), *RAILS]
    draw_motorway(draft)
    draft.barriers.append(Barrier(MOTORWAY, EVERY_ROAD, 70))
    for entry in ISLAND["roads"]:
        text, _, course = entry.partition(", ")
        draft.road(smooth(points(course), 70), tags(text))
    for village in VILLAGES:
        random = Random(f"tracks {village.name}")
        for corner in ((0, 0), (village.columns, 0), (village.columns, village.rows)):
            start, middle = village.grid.at(*corner), village.grid.at(2.5, 2)
            out = Frame(
                *start, math.degrees(math.atan2(start[1] - middle[1], start[0] - middle[0]))
            )
            line = smooth([start, out.at(300, random.uniform(-60, 60)), out.at(640, 20)], 80)
            grade = random.randint(1, 5)
            surface = ("asphalt", "gravel", "compacted", "ground", "grass")[grade - 1]
            draft.road(line, tags(f"highway=track tracktype=grade{grade} surface={surface}"))


def draw_motorway(draft: Draft) -> None:
    """Draw the two carriageways and the four ramps of the junction."""
    asphalt = tags("highway=motorway oneway=yes lanes=2 surface=asphalt", ref="M1")
    ramps = []
    for offset, corner in ((-12.0, JUNCTION[0]), (12.0, JUNCTION[1])):
        lane = [MOTORWAY[0], *beside(MOTORWAY, offset)[1:-1], MOTORWAY[-1]]
        joins = [min((abs(p[0] - x), p) for p in lane)[1] for x in (-300, 900)]
        lane = lane if offset < 0 else lane[::-1]
        draft.road(lane, asphalt)
        for join in joins:
            bend = (corner[0] + 0.25 * (join[0] - corner[0]), corner[1])
            late = (join[0] + 0.3 * (corner[0] - join[0]), join[1] + 3.2 * offset)
            ramp = smooth([corner, bend, late, join], 40)
            leaves = join[0] < 0 if offset < 0 else join[0] > 0  # traffic keeps to the right
            ramps.append(ramp[::-1] if leaves else ramp)
    for ramp in ramps:
        draft.road(ramp, tags("highway=motorway_link oneway=yes surface=asphalt"))


def draw_railway(draft: Draft) -> None:
    """Draw the tracks with their level crossings and bridges, the station and its platforms."""
    main = tags("railway=rail usage=main gauge=1435 electrified=contact_line")
    branch = tags("railway=rail usage=industrial service=spur")
    for barrier, tagged in zip(RAILS, (main, branch), strict=True):
        track(draft, with_points(barrier.line, [point for _, point in barrier.level]), tagged)
    around = [TOWN.at(u / 4, 8.5) for u in range(-7, 8)]
    loop = [around[0], *beside(around, 6)[1:-1], around[-1]]
    draft.way(loop, tags("railway=rail service=siding"))
    for offset in (-12.0, -17.0):
        yard = [TOWN.at(u / 4, 8.5) for u in range(11, 21)]
        draft.way(beside(yard, offset), tags("railway=rail service=yard"))
    for offset in (-6.0, 13.0):
        middle = [TOWN.at(u / 4, 8.5) for u in range(1, 7)]
        platform = ribbon(beside(middle, offset), 6)
        draft.area(platform, tags("railway=platform public_transport=platform surface=asphalt"))
    station = Frame(*TOWN.at(0.9, 8.5), -1)
    hall = tags("building=train_station railway=station roof:shape=gabled", name="Tagtown")
    draft.area(station.all(rectangle(-30, -36, 60, 16)), hall)
    draft.area(station.all(rectangle(-90, 22, 50, 24)), tags("amenity=parking surface=asphalt"))
    draft.area(station.all(rectangle(-160, -40, 330, 84)), tags("landuse=railway"))
    draft.node(TOWN.at(5.1, 8.36), tags("railway=turntable"))
    for end, name in ((RAILWAY[0], "Westerlo"), (RAILWAY[-1], "Osthagen")):
        draft.node(end, tags("railway=buffer_stop"))
        halt = Frame(end[0] + (150 if end[0] < 0 else -150), end[1], 4)
        draft.node(halt.at(0, 9), tags("railway=halt public_transport=station", name=name))
    tram = beside([TOWN.at(u / 2, 0) for u in range(-9, 17)], 1.6)
    draft.way(tram, tags("railway=tram gauge=1000"))
    draft.node(TOWN.at(1.5, 0), tags("railway=tram_stop"))


def track(draft: Draft, line: Line, tagged: Tags) -> None:
    """Draw a railway track: a bridge over the river, level crossings where roads passed."""
    draft.solid.add(shapely.LineString(line).buffer(8))
    draft.ground.add(shapely.LineString(line).buffer(8))
    done = 0.0
    for distance, _ in crossings(line, RIVER):
        draft.way(piece(line, done, distance - 30), tagged)
        over = piece(line, distance - 30, distance + 30)
        draft.way(over, {**tagged, "bridge": "viaduct", "layer": "1"})
        done = distance + 30
    draft.way(piece(line, done, length(line)), tagged)


def draw_power(draft: Draft) -> None:
    """Draw the power line with its towers, minor lines with poles, the wind farm, a cable car."""
    spots = [position(POWER_LINE, at)[0] for at in range(0, int(length(POWER_LINE)), 260)]
    for spot in spots:
        draft.node(spot, tags("power=tower material=steel"))
    draft.way(spots, tags("power=line cables=3 voltage=110000"))
    for course in map(points, ISLAND["minor power lines"]):
        poles = [position(course, at)[0] for at in range(0, int(length(course)), 75)]
        for spot in poles:
            draft.node(spot, tags("power=pole"))
        draft.way(poles, tags("power=minor_line cables=3 voltage=16000"))
    for i in range(9):
        spot = (2000 + 330 * i, 7600 + 130 * math.sin(1.7 * i))
        draft.node(spot, tags("power=generator generator:source=wind"
                              " generator:method=wind_turbine height=90"))  # fmt: skip
    draft.way(CABLE_CAR, tags("aerialway=gondola"))
    for spot in CABLE_CAR[1:-1]:
        draft.node(spot, tags("aerialway=pylon"))
    for spot in (CABLE_CAR[0], CABLE_CAR[-1]):
        draft.node(spot, tags("aerialway=station"))
    draft.node((-7900, 6000), tags("natural=peak ele=640", name="Tag Hill"))
    draft.node((-7880, 6030), tags("man_made=mast tower:type=communication height=60"))


def draw_banks(draft: Draft) -> None:
    """Draw the ways along the river in the town: a footway on one bank, a cycleway on the other."""
    bank = [TOWN.at(-5.5 + 0.08 * math.sin(v), v) for v in (x / 2 for x in range(-16, 15))]
    for offset, text in (
        (36, "highway=footway surface=gravel"),
        (-36, "highway=cycleway surface=asphalt"),
    ):
        draft.way(beside(bank, offset), tags(text))
    for row in range(-9, 7):
        for side in (-26, 26):
            spot = Frame(*TOWN.at(-5.5, row + 0.5)).at(side, 4.0 * (row % 3))
            draft.node(spot, tags("natural=tree leaf_type=broadleaved"))
    avenue = [TOWN.at(AVENUE, v / 2) for v in range(-22, 21)]
    draft.way(beside(avenue, 8.5), tags("highway=footway footway=sidewalk surface=paving_stones"))
    draft.way(beside(avenue, -8.5), tags("highway=cycleway surface=asphalt oneway=yes"))
