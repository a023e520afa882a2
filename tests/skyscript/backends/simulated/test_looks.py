"""Every class of objects has a look of its own, and what is too small for a GSD is not seen."""

from itertools import combinations
from pathlib import Path

import numpy as np
import osmium
import pytest
from shapely import LineString, Point, Polygon, affinity, box

import tag_vocab
from skyscript.osm.underground import hidden_from_above
from tests.skyscript.backends.simulated.simulated_world import GSDS, distance, draw

TOWN = Path(__file__).parents[4] / "data" / "toy" / "town.osm.pbf"
LINES_WHERE_CLOSED = {"highway", "railway", "barrier", "waterway", "power", "natural"}

FIELD = affinity.rotate(box(-60, -45, 60, 45), 17)
GROUNDS = {
    "landuse": "farmland meadow grass forest orchard vineyard plant_nursery allotments farmyard"
    " greenhouse_horticulture residential commercial retail industrial railway military quarry"
    " construction landfill salt_pond cemetery flowerbed brownfield reservoir basin",
    "natural": "heath scrub sand dune beach shingle bare_rock scree glacier wetland mud water",
    "leisure": "park garden golf_course playground marina beach_resort horse_riding swimming_pool"
    " ice_rink miniature_golf stadium",
    "tourism": "camp_site caravan_site zoo theme_park picnic_site",
    "amenity": "parking school grave_yard marketplace fountain",
    "crop": "wheat corn rapeseed rice hop lavender strawberry cotton tea",
    "building": "apartments church mosque hospital school industrial greenhouse warehouse hangar"
    " parking barn castle temple",
    "aeroway": "apron helipad",
    "power": "substation solar_farm",
    "man_made": "storage_tank wastewater_plant pier",
}
ROAD = affinity.rotate(LineString([(-40, 0), (-12, 1), (12, -1), (40, 0)]), 25)
ROADS = (
    "motorway primary secondary tertiary residential service living_street pedestrian track path"
    " footway cycleway steps bridleway raceway busway"
)
SURFACES = "asphalt concrete paving_stones cobblestone gravel dirt grass sand compacted wood brick"
LINES = [
    *({"highway": value} for value in ROADS.split()),
    *({"highway": "track", "tracktype": "grade1", "surface": value} for value in SURFACES.split()),
    {"railway": "rail"},
    {"railway": "tram"},
    {"railway": "platform"},
    {"waterway": "stream"},
    {"waterway": "river"},
    {"waterway": "canal"},
    {"barrier": "hedge"},
    {"barrier": "wall"},
    {"barrier": "city_wall"},
    {"natural": "tree_row"},
    {"natural": "cliff"},
    {"power": "line"},
    {"man_made": "pipeline"},
    {"man_made": "breakwater"},
    {"aeroway": "taxiway"},
]
ROOFS = (
    "flat gabled hipped half-hipped pyramidal skillion round gambrel saltbox butterfly sawtooth"
    " dome cone mansard cross_gabled"
)
COVERINGS = "roof_tiles slate metal copper thatch concrete glass grass tar_paper wood gravel"
SPORTS = (
    "soccer tennis basketball baseball american_football volleyball beachvolleyball handball"
    " ice_hockey cricket boules skateboard bmx equestrian badminton"
)
POINTS = [
    *(
        {"man_made": v}
        for v in ["silo", "storage_tank", "water_tower", "chimney", "mast", "lighthouse", "crane"]
    ),
    {"power": "tower"},
    {"power": "pole"},
    {"power": "generator", "generator:source": "wind"},
    {"power": "generator", "generator:source": "solar"},
    {"natural": "tree"},
    {"natural": "tree", "leaf_type": "needleleaved"},
    {"natural": "tree", "leaf_type": "palm"},
    {"amenity": "fountain"},
    {"amenity": "recycling"},
    {"amenity": "bench"},
    {"leisure": "picnic_table"},
    {"leisure": "playground"},
    {"highway": "bus_stop"},
    {"highway": "turning_circle"},
    {"aeroway": "helipad"},
    {"historic": "ruins"},
]


def pairs_closer_than(images, limit):
    """Name the classes whose images differ by less than so many grey levels."""
    return [
        (one, other, round(distance(images[one], images[other]), 1))
        for one, other in combinations(images, 2)
        if distance(images[one], images[other]) < limit
    ]


@pytest.mark.slow
def test_grounds_and_large_buildings_differ_from_each_other_and_from_bare_ground():
    images = {"bare ground": draw(gsd=0.6, width=128, height=128)}
    for key, values in GROUNDS.items():
        for value in values.split():
            tags = {"landuse": "farmland", key: value} if key == "crop" else {key: value}
            image = draw(("a1", FIELD, tags), gsd=0.6, width=128, height=128)
            images[f"{key}={value}"] = image
    assert len(images) > 80
    assert pairs_closer_than(images, 3.0) == []


def test_roads_and_other_lines_differ_from_each_other_and_from_bare_ground():
    images = {"bare ground": draw()}
    images |= {str(tags): draw(("w1", ROAD, tags)) for tags in LINES}
    # a line covers little of a tile, and a power line very little
    assert pairs_closer_than(images, 0.6) == []


def test_roof_shapes_differ():
    house = affinity.rotate(box(-9, -6, 9, 6), 17)
    images = {
        shape: draw(("a1", house, {"building": "house", "roof:shape": shape}))
        for shape in ROOFS.split()
    }
    assert pairs_closer_than(images, 0.8) == []


def test_roof_coverings_and_colours_differ():
    house = affinity.rotate(box(-9, -6, 9, 6), 17)
    tags = {"building": "house", "roof:shape": "gabled"}
    images = {
        value: draw(("a1", house, {**tags, "roof:material": value})) for value in COVERINGS.split()
    }
    for value in ("red", "#2040a0", "white"):
        images[value] = draw(("a1", house, {**tags, "roof:colour": value}))
    assert pairs_closer_than(images, 1.5) == []


def test_pitches_differ_by_sport():
    pitch = affinity.rotate(box(-26, -15, 26, 15), 17)
    images = {
        sport: draw(("a1", pitch, {"leisure": "pitch", "sport": sport}), width=256, height=200)
        for sport in SPORTS.split()
    }
    assert pairs_closer_than(images, 0.8) == []


def test_single_things_differ_from_each_other_and_from_bare_ground():
    images = {"bare ground": draw(gsd=0.1)}
    images |= {str(tags): draw(("n1", Point(0, 0), tags), gsd=0.1) for tags in POINTS}
    assert pairs_closer_than(images, 0.3) == []


@pytest.mark.slow
def test_every_tag_of_the_town_that_can_be_seen_changes_the_tile():
    """The shape is ours, the tags are the town's: the first object of each visible tag."""
    shapes = (Point(0, 0), ROAD, affinity.rotate(box(-30, -18, 30, 18), 17))
    bare = {gsd: draw(gsd=gsd, width=128, height=128) for gsd in GSDS}
    unseen = []
    for (key, value, dimension), tags in visible_tags_of_the_town().items():
        max_gsd = tag_vocab.look_up(key, value).max_gsd
        gsd = max(gsd for gsd in GSDS if gsd <= max(max_gsd, GSDS[0]))
        image = draw(("a1", shapes[dimension], tags), gsd=gsd, width=128, height=128)
        if np.abs(image - bare[gsd]).max() < 8:
            unseen.append((key, value, dimension))
    assert unseen == []


def visible_tags_of_the_town():
    """Give, for each visible tag and dimension, all tags of the first object that has it."""
    found = {}
    for item in osmium.FileProcessor(str(TOWN)):
        tags = dict(item.tags)
        dimension = 0 if item.is_node() else 2 if item.is_relation() else 1
        if item.is_way() and item.is_closed() and not LINES_WHERE_CLOSED & tags.keys():
            dimension = 2
        if tags.get("type", "multipolygon") == "multipolygon" and not hidden_from_above(tags):
            for key, value in tags.items():
                entry = tag_vocab.look_up(key, value)
                if entry.groundable and entry.max_gsd is not None:
                    found.setdefault((key, value, dimension), tags)
    assert len(found) > 400
    return found


def test_a_tag_without_a_look_of_its_own_has_one_all_the_same():
    yard = box(-8, -8, 8, 8)
    values = [
        "theatre",
        "boathouse",
        "ferry_terminal",
        "car_wash",
        "biergarten",
        "place_of_worship",
    ]
    images = {"bare ground": draw()}
    images |= {value: draw(("a1", yard, {"amenity": value})) for value in values}
    assert pairs_closer_than(images, 3.0) == []
    again = draw(("a7", yard, {"amenity": "theatre"}))  # the look is the tag's, not the object's
    assert distance(again, images["theatre"]) < distance(again, images["boathouse"]) / 2


def test_a_house_shows_its_use_where_its_kind_does_not():
    plain = draw(("a1", box(-9, -7, 9, 7), {"building": "yes"}))
    bakery = draw(("a1", box(-9, -7, 9, 7), {"building": "yes", "amenity": "theatre"}))
    assert distance(plain, bakery) > 1


def test_what_the_vocabulary_does_not_know_is_not_drawn():
    shop = ("n1", Point(0, 0), {"shop": "tailor", "name": "Needle"})
    assert distance(draw(shop, gsd=0.1), draw(gsd=0.1)) == 0


@pytest.mark.parametrize(
    ("tags", "fine", "coarse"),
    [
        ({"amenity": "bench"}, 0.1, 1.0),
        ({"power": "pole"}, 0.1, 1.0),
        ({"leisure": "picnic_table"}, 0.1, 1.0),
    ],
)
def test_small_things_are_seen_in_fine_images_only(tags, fine, coarse):
    thing = ("n1", Point(0, 0), tags)
    near = np.abs(draw(thing, gsd=fine) - draw(gsd=fine)).max()
    far = np.abs(draw(thing, gsd=coarse) - draw(gsd=coarse)).max()
    assert near > 40
    assert far < near / 1.5


def test_more_cables_show_as_more_wires():
    line = LineString([(-30, 0), (30, 4)])
    few = draw(("w1", line, {"power": "line", "cables": "1"}), gsd=0.1)
    many = draw(("w1", line, {"power": "line", "cables": "6"}), gsd=0.1)
    bare = draw(gsd=0.1)
    assert distance(many, bare) > 1.5 * distance(few, bare)


def test_a_wider_road_covers_more():
    road = LineString([(-30, 0), (30, 4)])
    narrow, wide = (
        draw(("w1", road, {"highway": "service", "width": width})) for width in ("3", "8 m")
    )
    bare = draw()
    changed = [(np.abs(image - bare).max(axis=2) > 12).mean() for image in (narrow, wide)]
    assert changed[1] > 1.8 * changed[0]


def test_a_higher_house_throws_a_longer_shadow():
    house = Polygon([(-6, -9), (6, -9), (6, -2), (-6, -2)])
    low, high = (
        draw(("a1", house, {"building": "yes", "roof:shape": "flat", "height": height}))
        for height in ("4", "12")
    )
    north = slice(0, 40)
    assert low[north].mean() - high[north].mean() > 5


def test_a_bridge_lies_over_the_river_and_a_plain_road_of_it_too_but_without_a_shadow():
    river = ("w1", LineString([(-4, -30), (4, 30)]), {"waterway": "river"})
    road = LineString([(-30, 0), (30, 2)])
    plain = draw(river, ("w2", road, {"highway": "tertiary"}))
    bridge = draw(river, ("w2", road, {"highway": "tertiary", "bridge": "yes"}))
    assert distance(plain, bridge) > 1
    assert bridge.mean(axis=2).min() < plain.mean(axis=2).min()


def test_a_zebra_lies_across_its_road():
    road = ("w1", LineString([(-30, 0), (30, 0)]), {"highway": "residential"})
    zebra = ("n2", Point(0, 0), {"highway": "crossing", "crossing": "zebra"})
    white = draw(road, zebra).min(axis=2) - draw(road).min(axis=2) > 30
    rows, columns = np.nonzero(white)
    assert len(rows) > 50
    assert np.ptp(rows) > np.ptp(columns)  # the bars stand side by side across the road


def test_a_parking_space_and_a_car_park_hold_cars():
    area = box(-20, -12, 20, 12)
    asphalt = draw(("a1", area, {"area:highway": "service"}))
    cars = draw(("a1", area, {"amenity": "parking"}))
    assert cars[20:76, 10:86].std() > 1.5 * asphalt[20:76, 10:86].std()
