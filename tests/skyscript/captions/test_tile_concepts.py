"""The concepts that a tile can show."""

import pytest

from skyscript.captions.tile_concepts import names_above, next_above, things_in_tiles, with_kin
from tag_vocab.concepts import written


def names(tags, kind="a"):
    return [one.name for one in things_in_tiles(tags, kind)]


def test_the_most_specific_thing_comes_first_and_stands_in_the_table():
    found = names({"leisure": "pitch", "sport": "tennis"})
    assert found[0] == "tennis court"
    assert set(found) <= set(written())


def test_a_thing_that_only_a_pattern_names_stands_for_its_parents():
    assert "buckwheat field" not in written()
    assert names({"landuse": "farmland", "crop": "buckwheat"}) == ["farmland"]


def test_a_roof_is_on_all_buildings_and_stands_for_nothing():
    assert "roof" not in names({"building": "church", "roof:shape": "gabled"})
    assert "roof" not in next_above("planted roof")
    assert "roof" not in names_above("planted roof")


@pytest.mark.parametrize("tags", [{"place": "island"}, {"natural": "valley"}])
def test_what_is_larger_than_any_tile_is_left_out(tags):
    assert names(tags) == []


def test_kin_are_the_kinds_of_a_concept_and_what_it_is_a_kind_of():
    kin = with_kin(("sports pitch",))
    assert {"tennis court", "sports pitch"} <= kin
    assert names_above("sports pitch") <= kin
    assert "church" not in kin
