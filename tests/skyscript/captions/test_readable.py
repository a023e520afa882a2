"""Readable captions: plain names, the weightiest neighbours first, within the model's context."""

import pytest
from pydantic import ValidationError

from skyscript.captions import CaptionConfig, Neighbour, ReadableStyle
from tag_vocab import SHIPPED, Vocabulary

PREFIX = "a satellite image of "
CHURCH = {"building": "church"}
HOUSE = {"building": "house"}
TREE = {"natural": "tree"}
STREET = {"highway": "residential"}
COURT = {"leisure": "pitch", "sport": "tennis"}


def near(tags, kind="a", share=0.0):
    return Neighbour(tuple(tags.items()), kind, share)


def captions(tags, kind="a", around=(), words=SHIPPED, **config):
    style = ReadableStyle(CaptionConfig(style="readable", **config), words)
    return style.captions(tuple(tags.items()), kind, around)


def said(tags, around=(), **config):
    caption = captions(tags, around=around, **config).title_multi_objects
    return caption.removeprefix(PREFIX)


@pytest.mark.parametrize(
    ("tags", "kind", "words"),
    [
        (COURT | {"surface": "clay"}, "a", "a tennis court with clay surface"),
        ({"surface": "asphalt", **STREET}, "w", "a residential street with asphalt surface"),
        (
            CHURCH | {"amenity": "place_of_worship", "religion": "christian"},
            "a",
            "a church and Christian place of worship",
        ),
        ({"landuse": "grass"}, "a", "grass"),
        ({"landuse": "orchard"}, "a", "an orchard"),
        ({"shop": "supermarket", "building": "yes"}, "a", "a supermarket"),
    ],
)
def test_the_title_is_the_thing_then_what_describes_it(tags, kind, words):
    assert captions(tags, kind).title == PREFIX + words


def test_equal_neighbours_are_counted_where_osm_draws_each_once():
    around = [near(COURT), near(COURT), near(COURT), near(TREE, "n"), near(TREE, "n")]
    assert said(CHURCH, around) == ("a church, surrounded by three tennis courts; two trees")


def test_pieces_of_a_street_or_of_a_forest_are_not_counted():
    forest = near({"landuse": "forest"}, share=0.2)
    around = [near(STREET, "w"), near(STREET, "w"), forest, forest]
    assert said(CHURCH, around) == "a church, surrounded by a forest; a residential street"


def test_neighbours_that_are_called_as_the_focus_are_others():
    assert said(HOUSE, [near(HOUSE)]) == "a house, surrounded by another house"
    assert said(HOUSE, [near(HOUSE)] * 14) == "a house, surrounded by 14 other houses"
    assert said(STREET, [near(STREET, "w")]) == "a residential street"


def test_large_and_rare_neighbours_come_before_small_and_frequent_ones():
    lake, windmill = {"natural": "water", "water": "lake"}, {"man_made": "windmill"}
    around = [near(TREE, "n"), near(windmill, "n"), near(lake, share=0.4)]
    assert said(HOUSE, around) == "a house, surrounded by a lake; a windmill; a tree"


def test_a_general_name_is_merged_into_as_many_specific_ones():
    building = near({"building": "yes"}, share=0.01)
    assert said(STREET, [building, near(CHURCH)]) == "a residential street, surrounded by a church"
    many = said(STREET, [building] * 5 + [near(CHURCH)])
    assert many == "a residential street, surrounded by five buildings; a church"
    assert said(CHURCH, [building]) == "a church"


KINDS = ["house", "garage", "school", "hotel", "barn", "kiosk", "hangar", "chapel", "mosque"]
MANY = [near({"building": kind}) for kind in [*KINDS, "stable", "bunker", "temple", "shed"] * 3]
MANY += [near({"leisure": value}) for value in ("park", "garden", "playground", "marina", "track")]
MANY += [near({"landuse": value}) for value in ("forest", "meadow", "orchard", "quarry")]


@pytest.mark.parametrize("most", [16, 40, 77, 248])
def test_a_caption_holds_what_fits_and_knows_its_tokens(most):
    open_clip = pytest.importorskip("open_clip")
    made = captions(CHURCH, around=MANY, max_tokens=most)
    tokens = len(open_clip.SimpleTokenizer().encode(made.title_multi_objects)) + 2
    assert made.tokens_multi_objects == tokens <= most
    assert most > 100 or tokens > most - 6


def test_attributes_that_do_not_fit_are_not_said():
    tags = COURT | {"surface": "x".join("abcdefgh" * 3)}
    assert captions(tags, max_tokens=16).title == PREFIX + "a tennis court"


def test_a_user_s_word_and_a_tag_without_a_concept_are_said():
    words = Vocabulary(phrases={("building", "church"): "old chapel"})
    assert captions(CHURCH, words=words).title == PREFIX + "an old chapel and church"
    assert captions({"xyz": "abc"}).title == PREFIX + "xyz of abc"
    assert captions({}) is None


def test_at_most_so_many_groups_are_named_as_asked():
    assert said(CHURCH, MANY, max_surrounding=1).count(";") == 0
    assert said(CHURCH, MANY, max_surrounding=0) == "a church"


@pytest.mark.parametrize("field", [{"tag_order": "as_given"}, {"spelling": "as_given"}])
def test_fields_of_the_published_style_are_refused(field):
    with pytest.raises(ValidationError, match="has no effect on captions of the style readable"):
        CaptionConfig(style="readable", **field)
    with pytest.raises(ValidationError, match="has no effect on captions of the style published"):
        CaptionConfig(max_tokens=248)
