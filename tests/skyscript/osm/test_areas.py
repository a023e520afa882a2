"""Closed ways: areas or lines, by their tags."""

import pytest

from skyscript.osm.areas import EVERY_VALUE, EVERY_VALUE_BUT, ONLY_VALUES, closed_way


@pytest.mark.parametrize(
    ("tags", "rule"),
    [
        ({"building": "yes"}, "building"),
        ({"building:part": "roof"}, "building:part"),
        ({"landuse": "farmland", "crop": "cotton"}, "landuse"),
        ({"natural": "water"}, "natural"),
        ({"man_made": "pier"}, "man_made"),
        ({"power": "generator"}, "power=generator"),
        ({"railway": "platform"}, "railway=platform"),
        ({"highway": "pedestrian", "area": "yes"}, "area=yes"),
        ({"leisure": "track", "area": "yes"}, "area=yes"),
        ({"leisure": "track", "building": "stadium"}, "building"),
        ({"highway": "footway", "landuse": "grass"}, "landuse"),
        ({"construction:building": "yes"}, "construction:building"),
        ({"area": "paved"}, "area=paved"),
    ],
)
def test_areas_and_the_tag_that_makes_them_so(tags, rule):
    assert closed_way(tags) == (True, rule)


@pytest.mark.parametrize(
    ("tags", "rule"),
    [
        ({"highway": "residential", "junction": "roundabout"}, "no area tag"),
        ({"highway": "pedestrian"}, "no area tag"),
        ({"sport": "running", "surface": "tartan", "crop": "hay"}, "no area tag"),
        ({"barrier": "hedge"}, "no area tag"),
        ({"building": "no"}, "no area tag"),
        ({}, "no area tag"),
        ({"natural": "cliff"}, "natural=cliff"),
        ({"natural": "coastline", "surface": "rock"}, "natural=coastline"),
        ({"leisure": "track", "sport": "athletics"}, "leisure=track"),
        ({"building": "yes", "area": "no"}, "area=no"),
        ({"waterway": "stream"}, "no area tag"),
        ({"power": "line"}, "no area tag"),
    ],
)
def test_lines_that_come_back_to_their_start(tags, rule):
    assert closed_way(tags) == (False, rule)


def test_each_key_stands_in_one_list():
    assert not EVERY_VALUE & EVERY_VALUE_BUT.keys()
    assert not EVERY_VALUE & ONLY_VALUES.keys()
    assert not EVERY_VALUE_BUT.keys() & ONLY_VALUES.keys()
