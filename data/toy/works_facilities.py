"""What the town works and trades with: shops, depots, plants, and the zoo."""

from __future__ import annotations

from data.toy.facilities import Facility, disc, dot, line, poly, rect, rows, trees

SUPERMARKET = Facility(
    232, 74,
    (
        rect(2, 2, 228, 70, "landuse=retail"),
        rect(10, 12, 76, 46, "building=supermarket shop=supermarket roof:shape=flat"),
        rect(98, 8, 122, 56, "amenity=parking parking=surface surface=asphalt"),
        *rows(line([(100, 18), (218, 18)], "highway=service service=parking_aisle"), 1, 3, 0, 18),
        rect(84, 60, 8, 5, "amenity=shelter"), dot(92, 66, "amenity=recycling"),
        rect(30, 20, 40, 24, "power=generator generator:source=solar location=roof"),
    ),
)  # fmt: skip
MALL = Facility(
    232, 174,
    (
        rect(2, 2, 228, 170, "landuse=retail"),
        poly([(14, 60), (150, 60), (150, 90), (200, 90), (200, 160), (60, 160), (60, 130),
              (14, 130)], "building=retail shop=mall roof:shape=flat roof:material=metal"),
        rect(90, 100, 80, 46, "amenity=parking parking=rooftop"),
        rect(14, 8, 200, 44, "amenity=parking parking=surface surface=asphalt"),
        line([(14, 20), (214, 20)], "highway=service service=parking_aisle"),
        line([(14, 40), (214, 40)], "highway=service service=parking_aisle"),
        rect(160, 60, 50, 24, "amenity=charging_station"),
    ), "Tradewind Centre",
)  # fmt: skip
FUEL = Facility(
    96, 70,
    (
        rect(4, 4, 88, 62, "amenity=fuel"),
        rect(30, 30, 26, 14, "building=roof"),
        rect(64, 40, 20, 14, "building=kiosk shop=convenience"),
        rect(12, 10, 18, 8, "amenity=car_wash building=yes"),
        line([(4, 24), (92, 24)], "highway=service surface=concrete"),
    ),
)  # fmt: skip
FIRE = Facility(
    96, 70,
    (
        rect(6, 8, 44, 24, "building=fire_station amenity=fire_station roof:shape=flat"),
        rect(52, 38, 34, 20, "building=yes amenity=police roof:shape=hipped"),
        dot(14, 48, "man_made=mast tower:type=communication"),
        rect(8, 38, 36, 24, "amenity=parking surface=concrete"),
        dot(48, 4, "emergency=fire_hydrant"),
    ),
)  # fmt: skip
BUS_STATION = Facility(
    96, 70,
    (
        rect(4, 4, 88, 62, "amenity=bus_station public_transport=station"),
        *rows(rect(12, 10, 60, 4, "public_transport=platform highway=platform"), 1, 4, 0, 13),
        line([(4, 18), (92, 18)], "highway=service service=busway"),
        rect(78, 26, 12, 26, "building=transportation roof:shape=skillion"),
        rect(14, 61, 14, 4, "amenity=taxi"),
    ),
)  # fmt: skip
ALLOTMENTS = Facility(
    360, 172,
    (
        rect(2, 2, 356, 168, "landuse=allotments"),
        *rows(rect(10, 10, 30, 30, "allotments=plot"), 4, 3, 42, 50),
        *rows(rect(14, 14, 5, 4, "building=allotment_house"), 8, 3, 42, 50),
        line([(2, 46), (358, 46)], "highway=track tracktype=grade2 surface=compacted"),
        line([(2, 96), (358, 96)], "highway=path surface=dirt"),
        trees(6, 6, 340, 160, 46),
    ),
)  # fmt: skip
PRISON = Facility(
    96, 70,
    (
        rect(2, 2, 92, 66, "amenity=prison"),
        poly([(20, 14), (40, 14), (40, 30), (56, 30), (56, 14), (76, 14), (76, 52), (20, 52)],
             "building=prison roof:shape=flat"),
        line([(3, 3), (93, 3), (93, 67), (3, 67), (3, 4)], "barrier=wall height=5"),
        rect(8, 56, 6, 6, "man_made=tower tower:type=watchtower"),
    ),
)  # fmt: skip
UTILITY = Facility(
    232, 74,
    (
        rect(2, 2, 228, 70, "landuse=industrial"),
        disc(30, 36, 14, "man_made=gasometer building=yes"),
        disc(74, 36, 8, "man_made=water_tower building=water_tower"),
        rect(96, 12, 60, 44, "power=substation substation=distribution voltage=60000"),
        *rows(rect(100, 18, 6, 5, "power=transformer"), 3, 2, 16, 20),
        line([(96, 12), (156, 12), (156, 56)], "barrier=fence fence_type=chain_link"),
        rect(172, 14, 40, 40, "man_made=reservoir_covered"),
    ),
)  # fmt: skip
CONSTRUCTION = Facility(
    96, 70,
    (
        rect(3, 3, 90, 64, "landuse=construction"),
        rect(14, 14, 36, 22, "building=construction"), dot(60, 30, "man_made=crane"),
        line([(3, 44), (60, 44)], "highway=construction construction=residential"),
    ),
)  # fmt: skip
BROWNFIELD = Facility(
    96, 70,
    (
        rect(3, 3, 90, 64, "landuse=brownfield"),
        rect(20, 16, 26, 16, "ruins=yes building=ruins"), trees(50, 6, 40, 56, 8),
    ),
)  # fmt: skip
WASTEWATER = Facility(
    232, 174,
    (
        rect(2, 2, 228, 170, "man_made=wastewater_plant landuse=industrial"),
        *rows(disc(40, 40, 20, "man_made=clarifier"), 3, 2, 56, 56),
        *rows(rect(20, 130, 60, 12, "landuse=basin natural=water water=basin"), 1, 2, 0, 18),
        *rows(disc(190, 130, 11, "man_made=digester building=digester"), 1, 2, 0, 26),
        rect(110, 130, 40, 20, "building=industrial roof:shape=flat"),
        line([(2, 122), (228, 122)], "highway=service surface=concrete"),
    ),
)  # fmt: skip
DEPOT = Facility(
    232, 174,
    (
        rect(2, 2, 228, 170, "landuse=industrial industrial=depot"),
        rect(16, 90, 150, 64, "building=warehouse roof:shape=flat roof:material=metal"),
        *rows(rect(20, 14, 18, 12, "building=container"), 5, 3, 26, 18),
        *rows(disc(196, 30, 9, "man_made=storage_tank content=fuel"), 1, 4, 0, 24),
        *rows(disc(172, 24, 5, "man_made=silo"), 1, 3, 0, 16),
        rect(176, 130, 44, 34, "amenity=parking parking=surface access=private hgv=yes"),
        rect(40, 100, 100, 40, "power=generator generator:source=solar location=roof"),
        disc(160, 76, 3, "man_made=chimney height=60"),
    ),
)  # fmt: skip
GARDEN_CENTRE = Facility(
    232, 174,
    (
        rect(2, 2, 228, 170, "landuse=plant_nursery"),
        *rows(rect(12, 12, 60, 16, "building=greenhouse roof:shape=round"), 3, 4, 70, 22),
        rect(12, 110, 120, 50, "landuse=greenhouse_horticulture"),
        rect(150, 110, 60, 30, "building=retail shop=garden_centre roof:shape=gabled"),
        rect(150, 146, 60, 20, "amenity=parking surface=gravel"),
    ),
)  # fmt: skip
ZOO = Facility(
    360, 274,
    (
        rect(2, 2, 356, 270, "tourism=zoo"),
        disc(90, 80, 44, "attraction=animal", 34), disc(250, 80, 36, "attraction=animal", 28),
        disc(90, 190, 36, "natural=water water=pond", 26),
        rect(200, 160, 36, 20, "building=yes attraction=animal roof:shape=dome"),
        disc(290, 200, 16, "attraction=carousel"), rect(150, 224, 70, 30, "tourism=picnic_site"),
        line([(2, 130), (120, 136), (240, 130), (358, 140)], "highway=footway surface=asphalt"),
        line([(160, 133), (160, 30), (300, 30)], "highway=footway surface=gravel"),
        line([(2, 2), (358, 2), (358, 272)], "barrier=fence"),
        disc(330, 240, 15, "leisure=maze"), disc(40, 240, 18, "natural=scrub", 12),
        trees(6, 6, 346, 262, 60),
    ), "Westbank Zoo",
)  # fmt: skip
