"""Tags in SkyScript's words, to the letter of its published captions."""

import random

import pytest

from tag_vocab import most_frequent_first, phrase

PHRASES = """
highway=residential -> road of residential
highway=tertiary -> road of tertiary
highway=secondary_link -> road of secondary link
highway=footway -> road of footway
highway=crossing -> road of crossing
highway=bus_stop -> road of bus stop
highway=track -> road of track
highway=primary -> highway of primary
highway=primary_link -> highway of primary link
highway=trunk -> highway of trunk
highway=trunk_link -> highway of trunk link
highway=motorway -> highway of motorway
highway=motorway_link -> highway of motorway link
highway=yes -> road
aeroway=apron -> airport of apron
aeroway=runway -> airport of runway
area:aeroway=runway -> area airport of runway
leisure=pitch -> leisure land of pitch
landuse=quarry -> landuse of quarry
resource=bauxite -> resource of bauxite
amenity=fountain -> amenity of fountain
natural=tree -> natural tree
power=plant -> power plant
power=minor_line -> power minor line
plant:source=solar -> plant source of solar
plant:method=thermal -> plant method of thermal
plant:output:electricity=19.9 MW -> plant output electricity of 19.9 MW
cables=3 -> cables of 3
voltage=16000 -> voltage of 16000
man_made=pier -> man made pier
man_made=bridge -> man made bridge
waterway=river -> waterway of river
crop=cotton -> crop of cotton
crossing:markings=zebra -> crossing markings of zebra
public_transport=stop_position -> public transport of stop position
shelter=yes -> shelter
building=yes -> building
building=warehouse -> building of warehouse
office=energy_supplier -> office of energy supplier
man_made=yes -> man made
"""


@pytest.mark.parametrize("line", PHRASES.strip().splitlines())
def test_a_tag_is_said_as_published(line):
    tag, words = line.split(" -> ")
    assert phrase(*tag.split("=")) == words


ORDERS = [
    "landuse=quarry resource=bauxite",
    "power=plant plant:source=solar plant:method=thermal plant:output:electricity=19.9",
    "power=line cables=3 voltage=16000",
    "power=minor_line cables=3 voltage=16000",
    "landuse=farmland crop=cotton",
    "highway=crossing crossing=zebra",
    "highway=crossing crossing=uncontrolled crossing:markings=zebra",
    "highway=bus_stop public_transport=platform shelter=yes bench=yes",
    "building=yes office=energy_supplier",
]


@pytest.mark.parametrize("line", ORDERS)
def test_tags_come_in_the_published_order_however_they_are_given(line):
    tags = [tuple(tag.split("=")) for tag in line.split()]
    for seed in range(10):
        shuffled = random.Random(seed).sample(tags, len(tags))
        assert most_frequent_first(shuffled) == tags


def test_frequency_alone_decides_the_order_of_things_and_attributes_alike():
    tags = {"highway": "secondary", "bridge": "yes", "surface": "asphalt"}
    assert [key for key, _ in most_frequent_first(tags.items())] == ["surface", "highway", "bridge"]
    tags = {"surface": "asphalt", "highway": "residential"}
    assert [key for key, _ in most_frequent_first(tags.items())] == ["highway", "surface"]


def test_unknown_tags_come_last_in_the_order_of_their_keys():
    tags = {"zzz": "1", "aaa": "2", "building": "yes"}
    assert [key for key, _ in most_frequent_first(tags.items())] == ["building", "aaa", "zzz"]


@pytest.mark.parametrize(
    "text", ["", "x" * 10_240, "a\nb\x00c\x7f\x85\u2028", "🏠", "مسجد", "a;b,c"]
)
def test_a_hostile_tag_is_said_in_one_line(text):
    assert len(phrase(text, text).splitlines()) <= 1
    assert "\x00" not in phrase("building", text)
    assert most_frequent_first([(text, text), ("building", "yes")])[0] == ("building", "yes")
