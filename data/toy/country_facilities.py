"""Facilities outside the town, each with its middle and its direction."""

from __future__ import annotations

from data.toy.facilities import Facility, disc, dot, holed, line, oval, poly, rect, rows, trees

AIRFIELD = Facility(
    1560, 420,
    (
        rect(2, 2, 1556, 416, "aeroway=aerodrome"),
        rect(30, 60, 1500, 30, "aeroway=runway surface=asphalt"),
        line([(60, 75), (1500, 75)], "aeroway=runway surface=asphalt ref=09/27"),
        *[line([(x, 90), (x, 170)], "aeroway=taxiway surface=asphalt") for x in (80, 700, 1480)],
        line([(80, 170), (1480, 170)], "aeroway=taxiway surface=asphalt"),
        rect(560, 182, 300, 90, "aeroway=apron surface=concrete"),
        rect(640, 280, 120, 34, "aeroway=terminal building=terminal roof:shape=flat"),
        *rows(rect(900, 190, 40, 34, "aeroway=hangar building=hangar roof:shape=round"),
              4, 1, 52, 0),
        *rows(rect(1160, 192, 30, 20, "aeroway=parking_position"), 3, 1, 44, 0),
        disc(480, 220, 13, "aeroway=helipad surface=concrete"),
        dot(520, 130, "aeroway=windsock"), dot(1300, 300, "man_made=beacon"),
        rect(790, 286, 12, 12, "man_made=tower service=aircraft_control building=yes"),
        rect(640, 330, 120, 60, "amenity=parking parking=surface surface=asphalt"),
        *rows(disc(1120, 330, 8, "man_made=storage_tank content=fuel"), 2, 1, 24, 0),
        rect(60, 220, 360, 150, "landuse=meadow"),
        line([(2, 2), (1558, 2)], "barrier=fence"),
    ), "Isles Airfield",
)  # fmt: skip
_GREEN, _FAIR, _TEE = "golf=green surface=grass", "golf=fairway surface=grass", "golf=tee"
GOLF = Facility(
    900, 520,
    (
        rect(2, 2, 896, 516, "leisure=golf_course"),
        *[shape for x, y, n in ((60, 60, 1), (360, 80, 2), (640, 70, 3), (80, 300, 4),
                                (380, 320, 5), (640, 330, 6))
          for shape in (
              poly([(x, y), (x + 60, y - 20), (x + 160, y + 20), (x + 190, y + 80),
                    (x + 150, y + 96), (x + 60, y + 40), (x, y + 34)], _FAIR),
              disc(x + 196, y + 104, 16, _GREEN, 13),
              disc(x + 168, y + 116, 7, "golf=bunker natural=sand surface=sand", 5),
              disc(x + 222, y + 92, 8, "golf=bunker natural=sand surface=sand", 5),
              rect(x - 20, y + 8, 12, 8, _TEE),
              line([(x - 14, y + 12), (x + 80, y + 48), (x + 196, y + 104)], "golf=hole"),
              line([(x - 24, y), (x + 100, y + 66), (x + 180, y + 130)],
                   "golf=cartpath highway=path surface=asphalt"),
          )],
        disc(470, 250, 40, "natural=water water=pond golf=water_hazard", 24),
        disc(240, 260, 50, "golf=rough", 30), rect(18, 440, 120, 60, "golf=driving_range"),
        rect(780, 440, 50, 26, "building=yes golf=clubhouse roof:shape=hipped"),
        rect(680, 440, 80, 50, "amenity=parking parking=surface surface=gravel"),
        trees(10, 10, 880, 500, 50),
    ), "Westlinks",
)  # fmt: skip
SOLAR_FARM = Facility(
    420, 300,
    (
        rect(2, 2, 416, 296, "power=plant plant:source=solar plant:method=photovoltaic"
             " plant:output:electricity=9.6MW landuse=industrial"),
        *rows(rect(14, 14, 180, 8, "power=generator generator:source=solar"
                   " generator:method=photovoltaic location=outdoor"), 2, 14, 200, 20),
        rect(396, 140, 8, 6, "building=transformer_tower power=transformer"),
    ), "Sunfield",
)  # fmt: skip
POWER_PLANT = Facility(
    300, 200,
    (
        rect(2, 2, 296, 196, "power=plant plant:source=gas plant:method=combustion"
             " plant:output:electricity=80MW landuse=industrial"),
        rect(30, 60, 110, 50, "building=industrial roof:shape=flat roof:material=metal"),
        disc(170, 80, 5, "man_made=chimney height=90"),
        disc(214, 130, 26, "man_made=cooling_tower building=cooling_tower"),
        *rows(disc(50, 150, 14, "man_made=storage_tank content=gas"), 3, 1, 36, 0),
        rect(190, 20, 90, 60, "power=substation substation=transmission voltage=110000"),
        *rows(rect(200, 28, 8, 6, "power=transformer"), 3, 1, 24, 0),
        line([(30, 40), (150, 40), (150, 80)], "man_made=pipeline location=overground"),
    ), "Harbour Station",
)  # fmt: skip
SUBSTATION = Facility(
    120, 90,
    (
        rect(2, 2, 116, 86, "power=substation substation=transmission voltage=110000"),
        *rows(rect(16, 14, 8, 6, "power=transformer"), 3, 2, 30, 26),
        line([(10, 70), (110, 70)], "power=busbar"), rect(92, 10, 16, 10, "building=service"),
        line([(2, 2), (118, 2), (118, 88), (2, 88)], "barrier=fence"),
    ),
)  # fmt: skip
QUARRY = Facility(
    560, 420,
    (
        poly([(20, 60), (180, 4), (420, 20), (540, 140), (520, 330), (360, 410), (120, 390),
              (10, 240)], "landuse=quarry resource=limestone"),
        line([(80, 110), (200, 60), (400, 76), (470, 170)], "natural=cliff"),
        disc(300, 230, 40, "natural=water water=pond", 26),
        disc(160, 280, 30, "man_made=spoil_heap", 22), disc(400, 300, 26, "natural=scree"),
        rect(440, 220, 40, 26, "building=industrial"), disc(430, 270, 5, "man_made=silo"),
        line([(540, 140), (420, 200), (300, 180), (160, 200)], "highway=track tracktype=grade1"
             " surface=gravel"),
        line([(440, 240), (380, 260), (340, 300)], "man_made=conveyor"),
    ), "Greystone Quarry",
)  # fmt: skip
LANDFILL = Facility(
    260, 200,
    (rect(4, 4, 252, 192, "landuse=landfill"), rect(14, 14, 40, 20, "building=industrial"),
     line([(4, 90), (120, 100), (240, 60)], "highway=track surface=unpaved")),
)  # fmt: skip
CASTLE = Facility(
    120, 100,
    (
        disc(60, 50, 56, "historic=castle ruins=yes castle_type=defensive", 46),
        line([(20, 50), (36, 20), (80, 16), (104, 50), (84, 84), (40, 84), (22, 54)],
             "barrier=city_wall historic=ruins"),
        disc(36, 24, 6, "man_made=tower building=ruins"), rect(52, 40, 20, 14, "building=ruins"),
        dot(64, 66, "tourism=viewpoint"), trees(6, 6, 108, 88, 20),
    ), "Gull Rock",
)  # fmt: skip
TUMULUS = Facility(
    80, 60, (disc(24, 26, 12, "historic=archaeological_site archaeological_site=tumulus"),
             disc(58, 34, 9, "historic=archaeological_site archaeological_site=stone_circle")),
)  # fmt: skip
RIDING = Facility(
    220, 150,
    (
        rect(2, 2, 216, 146, "leisure=horse_riding"),
        rect(14, 14, 60, 30, "leisure=pitch sport=equestrian surface=sand"),
        oval(90, 20, 116, 60, "leisure=track sport=horse_racing surface=sand area=yes"),
        rect(20, 60, 36, 14, "building=stable roof:shape=gabled"),
        rect(20, 90, 180, 46, "landuse=meadow meadow=paddock"),
        line([(20, 88), (200, 88)], "barrier=fence fence_type=pole"),
    ),
)  # fmt: skip
CAMPSITE = Facility(
    260, 200,
    (
        rect(2, 2, 256, 196, "tourism=camp_site"),
        rect(140, 20, 110, 80, "tourism=caravan_site"),
        *rows(rect(150, 30, 7, 3, "building=static_caravan"), 6, 4, 16, 16),
        *rows(rect(20, 24, 14, 10, "tourism=camp_pitch"), 6, 4, 18, 18),
        rect(30, 130, 24, 12, "building=yes amenity=shower"),
        disc(110, 150, 10, "leisure=miniature_golf"),
        rect(150, 130, 25, 12, "leisure=swimming_pool"),
        rect(190, 130, 30, 20, "leisure=playground"), trees(6, 100, 240, 90, 50),
    ), "Sanda Dunes Camping",
)  # fmt: skip
FUNFAIR = Facility(
    280, 200,
    (
        rect(2, 2, 276, 196, "tourism=theme_park"),
        line([(30, 30), (120, 24), (150, 80), (90, 120), (40, 90), (60, 50), (130, 60), (30, 31)],
             "attraction=roller_coaster roller_coaster=track"),
        disc(210, 60, 22, "attraction=big_wheel"), disc(210, 130, 12, "attraction=carousel"),
        rect(40, 140, 60, 30, "leisure=pitch sport=karting surface=asphalt"),
        rect(120, 150, 40, 24, "building=yes attraction=dark_ride roof:shape=sawtooth"),
        oval(30, 132, 90, 50, "highway=raceway sport=karting surface=asphalt area=yes"),
        rect(240, 150, 30, 40, "amenity=parking surface=grass"),
    ), "Pier Park",
)  # fmt: skip
OFF_ROAD = Facility(
    180, 120,
    (rect(2, 2, 176, 116, "leisure=track sport=motocross surface=dirt area=yes"),
     oval(20, 20, 90, 50, "leisure=track sport=bmx surface=dirt area=yes"),
     rect(120, 20, 44, 30, "leisure=pitch sport=paintball"),
     rect(20, 84, 100, 14, "leisure=pitch sport=archery")),
)  # fmt: skip
PITCHES = Facility(
    220, 150,
    (rect(2, 2, 216, 146, "landuse=recreation_ground"),
     rect(8, 10, 100, 64, "leisure=pitch sport=soccer surface=grass"),
     rect(118, 10, 92, 60, "leisure=pitch sport=rugby_union surface=grass"),
     disc(60, 110, 40, "leisure=pitch sport=cricket surface=grass", 32),
     rect(120, 86, 36, 18, "leisure=pitch sport=tennis surface=hard"),
     rect(170, 90, 36, 20, "building=pavilion roof:shape=hipped")),
)  # fmt: skip
FARM = Facility(
    90, 76,
    (
        rect(1, 1, 88, 74, "landuse=farmyard"),
        rect(8, 8, 16, 11, "building=farm roof:shape=gabled roof:material=roof_tiles"),
        rect(32, 10, 34, 15, "building=barn roof:shape=gabled"),
        rect(10, 34, 44, 16, "building=farm_auxiliary roof:shape=gabled roof:material=metal"),
        *rows(disc(70, 40, 4, "man_made=silo"), 1, 2, 0, 10),
        rect(58, 58, 20, 10, "man_made=bunker_silo"), rect(12, 58, 22, 12, "building=cowshed"),
    ),
)  # fmt: skip
GREENHOUSES = Facility(
    220, 150,
    (rect(2, 2, 216, 146, "landuse=greenhouse_horticulture"),
     *rows(rect(10, 10, 60, 28, "building=greenhouse roof:material=glass"), 3, 4, 68, 34)),
)  # fmt: skip
WINDMILL = Facility(
    60, 40, (disc(20, 20, 5, "man_made=windmill building=windmill historic=yes"),
             rect(34, 12, 14, 10, "building=house roof:material=thatch")),
)  # fmt: skip
MILITARY = Facility(
    300, 200,
    (rect(2, 2, 296, 196, "landuse=military military=base"),
     *rows(rect(20, 20, 40, 12, "building=barracks military=barracks"), 2, 4, 56, 26),
     rect(160, 20, 120, 60, "military=training_area"), disc(220, 130, 6, "building=bunker"),
     disc(260, 150, 9, "man_made=communications_tower"),
     disc(180, 140, 12, "man_made=satellite_dish"),
     line([(2, 2), (298, 2), (298, 198), (2, 198)], "barrier=fence fence_type=barbed_wire")),
)  # fmt: skip
SALT_WORKS = Facility(
    260, 180,
    (*rows(rect(6, 6, 58, 52, "landuse=salt_pond"), 4, 3, 62, 58),),
)  # fmt: skip
FISH_FARM = Facility(
    160, 90,
    (*rows(rect(6, 6, 30, 22, "landuse=aquaculture natural=water water=fishpond"), 4, 3, 36, 28),),
)  # fmt: skip
MONASTERY = Facility(
    110, 100,
    (rect(2, 2, 106, 96, "amenity=monastery landuse=religious"),
     holed(rect(20, 20, 60, 50, "building=monastery roof:shape=gabled roof:material=slate"),
           rect(34, 34, 32, 22, "")),
     rect(24, 76, 44, 12, "building=church roof:shape=gabled amenity=place_of_worship"),
     trees(4, 4, 100, 90, 14)),
    "Abbey of the Strand",
)  # fmt: skip

VILLAGE_CHURCH = Facility(
    84, 72,
    (
        rect(3, 3, 78, 66, "landuse=grass"), rect(44, 6, 34, 58, "amenity=grave_yard"),
        poly([(8, 28), (28, 28), (28, 24), (36, 24), (36, 46), (28, 46), (28, 42), (8, 42)],
             "building=church amenity=place_of_worship roof:shape=gabled roof:material=slate"),
        dot(20, 12, "amenity=bench"), trees(4, 4, 76, 18, 6), trees(4, 52, 76, 16, 6),
    ),
)  # fmt: skip
VILLAGE_GREEN = Facility(
    84, 72,
    (
        rect(3, 3, 78, 66, "leisure=common"), disc(26, 44, 13, "natural=water water=pond", 9),
        rect(50, 40, 20, 16, "leisure=playground"), rect(8, 8, 44, 22, "leisure=pitch"),
        dot(60, 20, "amenity=bench"), dot(66, 24, "amenity=shelter"),
        dot(44, 36, "man_made=water_well"), trees(4, 4, 76, 62, 9),
    ),
)  # fmt: skip

COUNTRY_FACILITIES: tuple[tuple[Facility, float, float, float], ...] = (
    (AIRFIELD, 3900, 3300, 12), (GOLF, -2850, -1150, -14), (SOLAR_FARM, 3050, -900, 5),
    (SUBSTATION, 2150, 1350, 0), (QUARRY, -7200, 2500, 20), (LANDFILL, -7800, 1300, 0),
    (CASTLE, -6700, 600, 10), (TUMULUS, -3900, 600, 0), (RIDING, -3700, -150, 8),
    (CAMPSITE, 8600, -2500, 10), (FUNFAIR, 8500, -1900, 10), (OFF_ROAD, 4100, -300, 0),
    (PITCHES, 6900, -150, -8), (PITCHES, -6300, -2100, 5), (GREENHOUSES, 4700, -700, -8),
    (WINDMILL, 8900, 4300, 0), (MILITARY, -1500, 7600, 8), (SALT_WORKS, 4400, -2350, -12),
    (FISH_FARM, -4500, 4700, 20), (MONASTERY, 9900, 2400, 0), (POWER_PLANT, 2180, -1220, -18),
    *((FARM, x, y, a) for x, y, a in (
        (-4600, 1500, 10), (-3500, 560, 40), (-6900, -900, 70), (-1900, 3300, 15), (1500, 2900, 5),
        (3600, 500, 80), (4700, 5400, 20), (9300, 3600, 50), (6300, 2500, 35), (-700, 6600, 60),
        (2200, 6500, 12), (-5050, -1300, 0), (8600, 650, 25), (5300, -1900, 40))),
)  # fmt: skip
