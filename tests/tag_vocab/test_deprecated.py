"""Old spellings put into today's."""

import pytest

from tag_vocab import look_up, modernise
from tag_vocab.deprecated import deprecated_keys, deprecations


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"landuse": "pond"}, {"natural": "water", "water": "pond"}),
        ({"power_source": "wind"}, {"generator:source": "wind"}),
        ({"building:type": "church"}, {"building": "church"}),
        ({"highway": "abandoned"}, {"abandoned:highway": "yes"}),
        (
            {"highway": "service", "service": "busway", "surface": "asphalt"},
            {"highway": "busway", "surface": "asphalt"},
        ),
        (
            {"historic": "archaeological_site", "site_type": "tumulus"},
            {"historic": "archaeological_site", "archaeological_site": "tumulus"},
        ),
        ({"railway": "rail", "disused": "yes"}, {"disused:railway": "rail"}),
    ],
)
def test_an_old_spelling_becomes_today_s(old, new):
    assert modernise(old) == new


def test_tags_of_today_stay_as_they_are_and_in_their_order():
    tags = {"highway": "crossing", "crossing": "zebra", "name": "A;B", "": ""}
    assert list(modernise(tags).items()) == list(tags.items())


def test_a_new_tag_takes_the_old_one_s_place():
    tags = {"name": "Weiher", "landuse": "pond", "fishing": "yes"}
    assert list(modernise(tags)) == ["name", "natural", "water", "fishing"]


def test_a_tag_that_is_there_is_not_overwritten():
    tags = {"landuse": "pond", "natural": "wetland"}
    assert modernise(tags)["natural"] == "wetland"


def test_a_chain_of_renamings_is_followed_to_its_end():
    for old, _ in deprecations():
        tags = dict(part.split("=", 1) for part in old.split(" + "))
        tags = {key: "1" if value == "*" else value for key, value in tags.items()}
        assert modernise(modernise(tags)) == modernise(tags), old


def test_every_rule_that_does_not_repeat_itself_changes_something():
    kept = []
    for old, new in deprecations():
        tags = dict(part.split("=", 1) for part in old.split(" + "))
        tags = {key: "1" if value == "*" else value for key, value in tags.items()}
        if modernise(tags) == tags:
            kept.append((old, new))
    assert kept == []


def test_a_look_up_answers_an_old_spelling_by_today_s():
    assert look_up("power_source", "wind")[:3] == look_up("generator:source", "wind")[:3]
    assert look_up("power_source", "wind").reason.startswith("today generator:source=wind: ")
    assert "building:type" in deprecated_keys()
    assert "service" not in deprecated_keys() or look_up("service", "driveway").groundable
