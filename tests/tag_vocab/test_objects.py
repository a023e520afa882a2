"""What of an object can be seen, and how it is said."""

import pytest

from tag_vocab import SHIPPED, TagEntry, Vocabulary, look_up
from tests.conftest import extracts
from tests.tag_vocab.test_vocabulary import HOSTILE


def own(gsd, reason="I say so"):
    return TagEntry(gsd is not None, gsd, "own", reason, float(gsd is not None))


def test_an_object_shows_up_to_the_gsd_of_its_largest_thing():
    tags = {"highway": "crossing", "crossing": "zebra", "name": "Oak Street"}
    assert SHIPPED.max_gsd(tags) == 0.2
    assert SHIPPED.max_gsd({"landuse": "quarry", "building": "yes"}) == 10
    assert SHIPPED.max_gsd({"name": "Oak Street"}) is None
    assert SHIPPED.max_gsd({}) is None


def test_an_attribute_does_not_outlive_the_thing_it_tells_of():
    path = {"highway": "path", "surface": "grass"}
    assert look_up("surface", "grass").max_gsd == 1
    assert SHIPPED.max_gsd(path) == 0.2
    assert SHIPPED.visible(path, 0.2) == path
    assert SHIPPED.visible(path, 1) == {}
    assert SHIPPED.max_gsd({"surface": "grass"}) is None
    assert SHIPPED.visible({"office": "energy_supplier"}, 0.1) == {}


def test_visible_tags_keep_the_given_order_and_leave_out_what_is_too_small():
    tags = {"roof:material": "slate", "name": "Town hall", "building": "yes", "roof:shape": "flat"}
    assert list(SHIPPED.visible(tags, 0.1)) == ["roof:material", "building", "roof:shape"]
    assert list(SHIPPED.visible(tags, 0.6)) == ["building", "roof:shape"]
    assert list(SHIPPED.visible(tags, 0.9)) == ["building"]
    assert SHIPPED.visible(tags, 10) == {}


def test_rooftop_panels_need_a_fine_image_and_wind_turbines_do_not():
    assert SHIPPED.max_gsd({"power": "generator", "generator:source": "solar"}) == 0.2
    assert SHIPPED.max_gsd({"power": "generator", "generator:source": "wind"}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("path", extracts("monaco"))
def test_objects_of_a_place_are_partly_visible_and_never_by_name(path):
    osmium = pytest.importorskip("osmium")
    reader = osmium.FileProcessor(str(path))
    seen: set[tuple[str, str]] = set()
    objects = shown = 0
    for thing in reader.with_filter(osmium.filter.EmptyTagFilter()):
        tags = SHIPPED.visible(dict(thing.tags), 0.1)
        objects += 1
        shown += bool(tags)
        seen.update(tags.items())
    assert 0.4 < shown / objects < 1
    assert len(seen) >= 200
    assert not {key for key, _ in seen} & {"name", "addr:street", "operator", "website", "ref"}


def test_an_object_is_read_in_today_s_spelling():
    tags = {"landuse": "pond", "power_source": "wind", "name": "A"}
    assert SHIPPED.visible(tags, 1) == {
        "natural": "water",
        "water": "pond",
        "generator:source": "wind",
    }
    assert SHIPPED.max_gsd({"building:type": "church"}) == SHIPPED.max_gsd({"building": "church"})


def test_of_several_values_those_that_show_stay():
    pitch = {"leisure": "pitch", "sport": "tennis; darts;basketball"}
    assert SHIPPED.visible(pitch, 0.2) == {"leisure": "pitch", "sport": "tennis;basketball"}
    assert [seen[:2] for seen in SHIPPED.seen(pitch)] == [
        ("leisure", "pitch"),
        ("sport", "tennis"),
        ("sport", "basketball"),
    ]


def test_what_is_left_out_says_why():
    tags = {"leisure": "pitch", "sport": "padel;darts", "name": "A;B", "surface": "clay"}
    left = SHIPPED.invisible_tags(tags, 1)
    assert left["name=A;B"] == "a name; nothing of it shows"
    assert left["sport=darts"] == look_up("sport", "darts").reason
    assert left["sport=padel"].startswith("visible up to 0.2 m: ")
    seen = SHIPPED.visible(tags, 1)
    assert len(left) + len(seen) == 5 and not {f"{k}={v}" for k, v in seen.items()} & left.keys()
    assert SHIPPED.invisible_tags({"surface": "clay"}, 0.1) == {
        "surface=clay": "describes a thing that is not visible"
    }


def test_an_unknown_kind_of_building_is_a_building():
    tags = {"building": "boiler_house", "roof:shape": "flat"}
    assert SHIPPED.visible(tags, 0.2) == {"building": "yes", "roof:shape": "flat"}
    assert SHIPPED.invisible_tags(tags, 0.2) == {
        "building=boiler_house": "an unknown value: only the key is said"
    }
    mine = Vocabulary({("building", "boiler_house"): own(0.6)})
    assert mine.visible(tags, 0.2)["building"] == "boiler_house"


def test_a_misspelling_is_put_right_and_not_said():
    tags = {"building": "yes", "roof:shape": "glat;gabled", "roof:material": "concerte"}
    assert SHIPPED.visible(tags, 0.2) == {
        "building": "yes",
        "roof:shape": "flat;gabled",
        "roof:material": "concrete",
    }


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"power": "line", "voltage": "110000", "cables": "6"}, ["power", "voltage", "cables"]),
        ({"railway": "rail", "voltage": "15000", "tracks": "2"}, ["railway", "tracks"]),
        ({"highway": "track", "tracks": "2"}, ["highway"]),
        ({"building": "bridge", "bridge": "yes"}, ["building"]),
        ({"building": "bridge", "man_made": "bridge"}, ["man_made"]),
        ({"building": "bridge"}, ["building"]),
        ({"amenity": "fuel", "disused": "yes", "building": "roof"}, ["building"]),
        ({"amenity": "fuel", "disused": "no"}, ["amenity"]),
        ({"building": "yes", "demolished": "yes"}, []),
        ({"amenity": "bench", "level": "2"}, []),
        ({"amenity": "bench", "level": "-1;2"}, []),
        ({"amenity": "bench", "level": "0;1"}, ["amenity"]),
        ({"amenity": "bench", "level": "2", "location": "roof"}, ["amenity", "location"]),
        ({"building": "yes", "level": "3"}, ["building"]),
        ({"highway": "steps", "level": "ground"}, ["highway"]),
    ],
)
def test_some_tags_show_only_in_company_and_some_objects_never(tags, said):
    assert list(SHIPPED.visible(tags, 0.1)) == said
    rest = SHIPPED.invisible_tags(tags, 0.1)
    assert {tag.partition("=")[0] for tag in rest} == {key for key in tags if key not in said}
    assert all(rest.values())


def test_own_answers_go_before_the_shipped_ones():
    mine = Vocabulary({("building", "church"): own(None), ("shop", "cheese"): own(0.2)})
    assert mine.max_gsd({"building": "church"}) is None
    assert mine.max_gsd({"building": "house"}) == SHIPPED.max_gsd({"building": "house"})
    assert mine.answer("shop", "cheese").source == "own"
    assert mine.answer("shop", "bakery;cheese").max_gsd == 0.2
    assert mine.invisible_tags({"building": "church"}, 0.1) == {"building=church": "I say so"}


def test_an_own_answer_for_any_value_of_a_key_holds_but_for_those_with_their_own():
    mine = Vocabulary({("my:key", "*"): own(0.6), ("my:key", "b"): own(None)})
    assert mine.visible({"my:key": "a;b;c"}, 0.6) == {"my:key": "a;c"}
    assert mine.max_gsd({"my:key": "b"}) is None
    assert SHIPPED.max_gsd({"my:key": "a"}) is None


def test_captions_name_what_is_given_in_today_s_words_one_value_each():
    assert SHIPPED.caption_tags({"power": "sub_station"}) == [("power", "substation")]
    assert SHIPPED.caption_tags({"sport": "tennis;chess"}) == [
        ("sport", "tennis"),
        ("sport", "chess"),
    ]
    assert SHIPPED.caption_tags({"power": "underground_cable"}) == [("power", "cable")]
    assert SHIPPED.caption_tags({"leisure": "club"}) == [
        ("leisure", "club")
    ]  # club=yes shows nothing
    assert SHIPPED.caption_tags({"name": "A;B"}) == [("name", "A;B")]


def test_own_answers_and_phrases_decide_what_captions_name():
    mine = Vocabulary(
        {("man_made", "crane"): own(0.2), ("natural", "tree"): own(None)},
        {("man_made", "crane"): "tower crane"},
    )
    assert mine.caption_tags({"man_made": "crane", "natural": "tree"}) == [("man_made", "crane")]
    assert mine.phrase("man_made", "crane") == "tower crane"
    assert mine.phrase("power", "pole") == "power pole"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_tag_beside_a_good_one_does_no_harm(text):
    tags = {"building": "yes", text: text}
    assert SHIPPED.visible(tags, 0.1) == {"building": "yes"}
    assert "building=yes" not in SHIPPED.invisible_tags(tags, 0.1)
    assert ("building", "yes") in SHIPPED.caption_tags(tags)
    assert SHIPPED.max_gsd(tags) == SHIPPED.max_gsd({"building": "yes"})
