"""What the town has for its people: churches, schools, parks, sport."""

from __future__ import annotations

from data.toy.facilities import (
    Facility,
    disc,
    dot,
    holed,
    line,
    oval,
    poly,
    rect,
    rows,
    tilted,
    trees,
)

_SOCCER = "leisure=pitch sport=soccer"
_BENCH = "amenity=bench backrest=yes"

MARKET = Facility(
    96, 70,
    (
        rect(2, 2, 92, 66, "highway=pedestrian area=yes surface=sett"),
        rect(10, 8, 40, 30, "amenity=marketplace surface=paving_stones"),
        disc(66, 46, 5, "amenity=fountain"),
        rect(30, 46, 24, 18, "building=civic amenity=townhall roof:shape=hipped building:levels=3"),
        dot(80, 18, "historic=monument"), dot(72, 14, _BENCH), dot(76, 14, _BENCH),
        dot(60, 30, "amenity=waste_basket"), dot(86, 52, "amenity=bicycle_parking covered=no"),
        trees(70, 4, 22, 60, 14),
    ), "Market Square",
)  # fmt: skip
CATHEDRAL = Facility(
    96, 70,
    (
        rect(4, 4, 88, 62, "amenity=place_of_worship landuse=religious religion=christian"),
        poly([(14, 28), (44, 28), (44, 16), (58, 16), (58, 28), (72, 28), (78, 35), (72, 42),
              (58, 42), (58, 54), (44, 54), (44, 42), (14, 42)],
             "building=cathedral roof:shape=gabled roof:material=copper"),
        rect(80, 50, 9, 9, "man_made=tower tower:type=bell_tower building=tower height=54"),
        trees(6, 6, 84, 58, 16),
    ), "Saint Brendan",
)  # fmt: skip
CIVIC = Facility(
    96, 70,
    (
        rect(6, 8, 34, 26, "building=public amenity=library roof:shape=flat roof:material=glass"),
        rect(50, 8, 38, 22, "building=public amenity=theatre roof:shape=round"),
        rect(8, 44, 26, 18, "building=yes amenity=courthouse roof:shape=hipped"),
        rect(48, 42, 40, 22, "amenity=parking parking=surface surface=paving_stones"),
        dot(44, 20, "historic=memorial memorial=statue"), dot(44, 36, "tourism=artwork"),
        trees(2, 36, 90, 6, 8),
    ),
)  # fmt: skip
PARK = Facility(
    230, 172,
    (
        rect(2, 2, 226, 168, "leisure=park"),
        disc(150, 105, 42, "natural=water water=pond", 28),
        disc(150, 105, 9, "natural=wood", 7),
        line([(2, 20), (60, 40), (96, 90), (80, 140), (60, 170)],
             "highway=footway surface=fine_gravel"),
        line([(96, 90), (130, 60), (190, 62), (228, 90)], "highway=footway surface=asphalt"),
        line([(60, 40), (140, 24), (228, 30)], "highway=cycleway surface=asphalt"),
        line([(130, 60), (140, 24)], "highway=steps surface=concrete"),
        rect(20, 110, 34, 26, "leisure=playground surface=sand"),
        dot(26, 116, "playground=slide"), dot(34, 120, "playground=swing"),
        rect(40, 126, 8, 6, "playground=sandpit"),
        disc(100, 130, 6, "leisure=bandstand building=roof"),
        rect(10, 56, 30, 12, "leisure=garden garden:type=botanical"),
        rect(44, 60, 22, 8, "landuse=flowerbed"),
        line([(4, 80), (50, 84)], "barrier=hedge"),
        disc(200, 140, 10, "leisure=outdoor_seating", 7),
        dot(92, 86, _BENCH), dot(128, 64, _BENCH), dot(188, 66, _BENCH), dot(56, 44, _BENCH),
        dot(192, 64, "leisure=picnic_table"), dot(196, 66, "leisure=picnic_table"),
        dot(70, 150, "tourism=artwork artwork_type=statue"), dot(205, 30, "amenity=toilets"),
        trees(4, 4, 222, 164, 64),
    ), "River Park",
)  # fmt: skip
STADIUM = Facility(
    232, 176,
    (
        rect(8, 6, 216, 164, "leisure=stadium"),
        holed(disc(116, 88, 104, "building=stadium roof:shape=round roof:material=metal", 78),
              disc(116, 88, 90, "", 64)),
        oval(36, 46, 160, 84, "leisure=track sport=athletics surface=tartan area=yes"),
        rect(66, 58, 100, 60, f"{_SOCCER} surface=grass"),
    ), "Island Stadium",
)  # fmt: skip
SPORTS = Facility(
    232, 176,
    (
        rect(2, 2, 228, 172, "leisure=sports_centre sport=multi"),
        *rows(rect(10, 12, 36, 18, "leisure=pitch sport=tennis surface=clay"), 2, 3, 42, 22),
        *rows(rect(100, 12, 28, 15, "leisure=pitch sport=basketball surface=asphalt"),
              1, 2, 0, 20),
        rect(136, 12, 18, 9, "leisure=pitch sport=volleyball surface=tartan"),
        *rows(rect(136, 26, 20, 12, "leisure=pitch sport=beachvolleyball surface=sand"),
              1, 2, 0, 15),
        rect(164, 12, 40, 24, "leisure=pitch sport=skateboard surface=concrete"),
        rect(164, 42, 40, 20, "leisure=pitch sport=handball surface=artificial_turf"),
        rect(10, 90, 92, 56, "leisure=pitch sport=field_hockey surface=artificial_turf"),
        rect(112, 90, 60, 42, "building=sports_hall leisure=sports_hall roof:shape=round"),
        rect(180, 90, 42, 20, "leisure=ice_rink"),
        rect(180, 116, 42, 40, "amenity=parking parking=surface surface=asphalt"),
        tilted(112, 142, 30, 4, 0, "leisure=bleachers"),
        disc(156, 152, 7, "leisure=fitness_station"),
        trees(4, 150, 100, 22, 24),
    ), "Long Meadow",
)  # fmt: skip
SCHOOL = Facility(
    232, 74,
    (
        rect(2, 2, 228, 70, "amenity=school"),
        poly([(10, 10), (90, 10), (90, 24), (28, 24), (28, 50), (60, 50), (60, 62), (10, 62)],
             "building=school roof:shape=flat roof:material=gravel building:levels=3"),
        rect(34, 28, 50, 18, "leisure=schoolyard surface=asphalt"),
        rect(110, 10, 40, 22, "leisure=pitch sport=basketball surface=tartan"),
        rect(156, 8, 66, 44, f"{_SOCCER} surface=artificial_turf"),
        rect(110, 42, 30, 18, "leisure=playground"),
        line([(140, 66), (190, 66)], "leisure=track sport=athletics surface=tartan"),
        dot(60, 68, "amenity=bicycle_parking"),
        trees(64, 48, 40, 20, 8),
    ), "Harbour School",
)  # fmt: skip
KINDERGARTEN = Facility(
    96, 70,
    (
        rect(4, 4, 88, 62, "amenity=kindergarten"),
        rect(10, 10, 36, 20, "building=kindergarten roof:shape=skillion roof:material=grass"),
        rect(54, 12, 30, 30, "leisure=playground surface=woodchips"),
        rect(58, 16, 7, 7, "playground=sandpit"), dot(76, 32, "playground=climbingframe"),
        line([(4, 4), (92, 4)], "barrier=fence"),
        trees(8, 40, 80, 22, 12),
    ),
)  # fmt: skip
_COURT = "building=university roof:shape=hipped roof:material=slate building:levels=4"
UNIVERSITY = Facility(
    360, 174,
    (
        rect(2, 2, 356, 170, "amenity=university"),
        holed(rect(14, 20, 90, 70, _COURT), rect(32, 38, 54, 34, "")),
        holed(rect(124, 20, 70, 60, _COURT), rect(140, 36, 38, 28, "")),
        rect(32, 38, 54, 34, "leisure=garden"),
        rect(220, 20, 60, 24, "building=university roof:shape=flat roof:material=tar_paper"),
        disc(322, 46, 13, "man_made=observatory building=yes roof:shape=dome"),
        rect(216, 60, 96, 50, "leisure=pitch sport=american_football surface=grass"),
        rect(14, 112, 80, 44, "amenity=parking parking=surface surface=asphalt"),
        *rows(rect(18, 116, 2.6, 5, "amenity=parking_space"), 12, 1, 2.8, 0),
        line([(14, 136), (94, 136)], "highway=service service=parking_aisle"),
        line([(104, 100), (214, 100), (214, 20)], "highway=path surface=gravel"),
        rect(110, 116, 60, 40, "leisure=pitch sport=baseball surface=grass"),
        rect(190, 124, 40, 30, "landuse=grass"),
        rect(250, 124, 50, 34, "building=college roof:shape=sawtooth"),
        trees(106, 84, 200, 80, 40),
    ), "University of the Isles",
)  # fmt: skip
HOSPITAL = Facility(
    232, 172,
    (
        rect(2, 2, 228, 168, "amenity=hospital healthcare=hospital"),
        poly([(20, 90), (60, 90), (60, 30), (80, 30), (80, 90), (130, 90), (130, 30), (150, 30),
              (150, 90), (176, 90), (176, 112), (20, 112)],
             "building=hospital roof:shape=flat roof:material=concrete building:levels=6"),
        disc(200, 60, 11, "aeroway=helipad surface=concrete"),
        rect(20, 126, 90, 36, "amenity=parking parking=multi-storey building=parking"),
        rect(124, 126, 60, 34, "amenity=parking parking=surface surface=asphalt"),
        rect(86, 36, 38, 44, "leisure=garden"),
        rect(190, 118, 26, 14, "building=service power=substation substation=minor_distribution"),
        line([(2, 118), (228, 118)], "highway=service surface=asphalt"),
        rect(22, 100, 6, 4, "power=generator generator:source=diesel"),
        trees(4, 4, 224, 22, 26),
    ), "Saint Luke",
)  # fmt: skip
CEMETERY = Facility(
    96, 172,
    (
        rect(2, 2, 92, 168, "landuse=cemetery"),
        line([(48, 2), (48, 170)], "highway=footway surface=gravel"),
        line([(2, 86), (94, 86)], "highway=footway surface=gravel"),
        rect(60, 96, 12, 20, "building=chapel amenity=place_of_worship roof:shape=gabled"),
        *rows(rect(8, 8, 30, 10, "cemetery=sector"), 1, 4, 0, 18),
        line([(2, 2), (2, 170)], "barrier=wall"), line([(94, 2), (94, 170)], "natural=tree_row"),
        trees(6, 90, 84, 76, 24),
    ),
)  # fmt: skip
LIDO = Facility(
    96, 172,
    (
        rect(2, 2, 92, 168, "leisure=water_park"),
        rect(20, 20, 50, 21, "leisure=swimming_pool"),
        disc(36, 70, 14, "leisure=swimming_pool", 9), disc(70, 72, 6, "leisure=swimming_pool"),
        line([(70, 120), (80, 104), (66, 96), (70, 78)], "attraction=water_slide"),
        rect(12, 120, 40, 14, "building=yes leisure=sauna roof:shape=flat"),
        rect(60, 130, 16, 8, "leisure=pitch sport=beachvolleyball surface=sand"),
        rect(14, 146, 70, 20, "amenity=parking surface=grass_paver"),
        trees(6, 44, 84, 74, 30),
    ), "The Lido",
)  # fmt: skip
BALLPARK = Facility(
    96, 172,
    (
        rect(2, 2, 92, 168, "leisure=recreation_ground"),
        poly([(16, 12), (74, 12), (84, 60), (46, 84), (8, 60)],
             "leisure=pitch sport=baseball surface=grass"),
        rect(18, 96, 60, 40, "leisure=pitch sport=softball surface=grass"),
        rect(14, 142, 22, 22, "leisure=pitch sport=boules surface=fine_gravel"),
        rect(46, 146, 38, 12, "leisure=pitch sport=bowls surface=grass"),
    ),
)  # fmt: skip
POCKET_PARK = Facility(
    96, 70,
    (
        rect(3, 3, 90, 64, "leisure=park"),
        rect(10, 10, 30, 20, "leisure=playground surface=rubber"),
        rect(52, 10, 28, 18, "leisure=pitch sport=skateboard surface=concrete"),
        rect(52, 38, 24, 14, "leisure=pitch sport=table_tennis"),
        line([(3, 34), (93, 34)], "highway=footway surface=paving_stones"),
        disc(24, 50, 6, "leisure=dog_park"), dot(46, 36, _BENCH),
        trees(6, 36, 84, 28, 14),
    ),
)  # fmt: skip
