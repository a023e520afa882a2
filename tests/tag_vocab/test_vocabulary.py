"""What can be seen from above, and at which resolution it no longer can."""

import pytest

from tag_vocab import TagEntry, groundable_keys, look_up

PUBLISHED = {  # tags that stand in SkyScript's published captions or paper
    "highway": ["residential", "tertiary", "track", "footway", "crossing", "bus_stop", "service"],
    "landuse": ["quarry", "farmland"],
    "resource": ["bauxite"],
    "crop": ["cotton"],
    "amenity": ["fountain", "parking", "prison"],
    "natural": ["tree", "coastline"],
    "power": ["plant", "pole", "line", "minor_line"],
    "plant:source": ["solar"],
    "plant:method": ["thermal"],
    "cables": ["3"],
    "voltage": ["16000"],
    "man_made": ["pier", "bridge"],
    "waterway": ["river", "stream"],
    "crossing": ["zebra", "uncontrolled"],
    "crossing:markings": ["zebra"],
    "public_transport": ["platform", "stop_position"],
    "shelter": ["yes"],
    "bench": ["yes"],
    "building": ["yes", "warehouse"],
    "office": ["energy_supplier"],
    "aeroway": ["apron", "runway", "taxiway"],
    "surface": ["concrete"],
    "leaf_type": ["broadleaved"],
}


@pytest.mark.parametrize("key", PUBLISHED)
def test_published_tags_are_groundable(key):
    for value in PUBLISHED[key]:
        assert look_up(key, value).groundable, f"{key}={value}"
    assert key in groundable_keys()


@pytest.mark.parametrize(
    "tag",
    [
        ("name", "Oak Street"),
        ("name:de", "Eichenweg"),
        ("addr:housenumber", "12"),
        ("brand:wikidata", "Q1"),
        ("operator", "Rail & Co"),
        ("source", "survey"),
        ("admin_level", "8"),
        ("oneway", "yes"),
        ("layer", "1"),
        ("lit", "yes"),
        ("wheelchair", "yes"),
        ("lanes", "2"),
        ("width", "3.5"),
        ("height", "12"),
        ("cuisine", "pizza"),
        ("religion", "christian"),
        ("opening_hours", "24/7"),
        ("building:levels", "3"),
        ("tunnel", "yes"),
        ("amenity", "restaurant"),
        ("amenity", "post_box"),
        ("shop", "bakery"),
        ("boundary", "administrative"),
        ("was:highway", "footway"),
    ],
)
def test_what_does_not_show_from_above_is_not_groundable(tag):
    entry = look_up(*tag)
    assert (entry.groundable, entry.max_gsd) == (False, None)
    assert entry.source in ("label", "key")
    assert entry.reason


def test_the_paper_s_two_examples_of_resolution():
    assert look_up("power", "pole").max_gsd == 0.2
    assert look_up("natural", "coastline").max_gsd == 10


def test_larger_things_stay_visible_in_coarser_images():
    chain = [
        look_up("amenity", "bench"),
        look_up("highway", "path"),
        look_up("railway", "narrow_gauge"),
        look_up("highway", "residential"),
        look_up("highway", "motorway"),
    ]
    assert [entry.max_gsd for entry in chain] == [0.1, 0.2, 0.6, 1, 10]


def test_an_answer_says_where_it_comes_from():
    assert look_up("building", "church").source == "label"
    assert look_up("building", "boiler_house")[:3] == (True, 0.6, "key")
    assert look_up("my_own_key", "my_own_value")[:3] == (False, None, "default")


def test_numbers_count_only_on_keys_of_numbers():
    for value in ("16000", "110000;20000"):
        assert look_up("voltage", value).groundable, value
    for value in ("high", "-750", "12", "7,5 kW", "16000 @ (Mo-Fr 08:00-18:00)", "9" * 30, ""):
        assert not look_up("voltage", value).groundable, value
    assert look_up("cables", "3").groundable and not look_up("cables", "1").groundable
    assert not look_up("plant:output:electricity", "19.9 MW").groundable
    assert not look_up("building", "3").groundable


def test_a_misspelt_value_is_read_as_the_one_that_is_meant_and_any_other_is_silent():
    assert look_up("roof:material", "concerte").max_gsd == look_up("roof:material", "concrete")[1]
    assert look_up("surface", "paving_stonesm").reason.startswith("today surface=paving_stones")
    for tag in (
        "surface=ps",
        "sport=ballet",
        "sidewalk=this",
        "roof:shape=round_gabled",
        "crop=teff",
    ):
        assert not look_up(*tag.split("=")).groundable, tag


def test_a_negation_is_never_seen_on_any_key():
    for key in ("building", "sport", "bridge", "shelter", "roof:shape", "crop"):
        assert not look_up(key, "no").groundable


def test_several_values_are_as_visible_as_the_best_of_them():
    assert look_up("sport", "table_tennis;tennis") == look_up("sport", "tennis")
    assert look_up("sport", "darts; billiards").groundable is False
    assert look_up("surface", "asphalt;no") == look_up("surface", "asphalt")


HOSTILE = [
    "",
    " ",
    "x" * 10_240,
    "tennis;" * 5_000,
    "\x00\x07\x1b[31m\n\r\t",
    "\ud800",
    "🏠🌳",
    "مسجد",
    "\u202egnidliub",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    ":" * 2_000,
    "*",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_tags_get_an_answer(text):
    assert isinstance(look_up("building", text), TagEntry)
    assert look_up(text, "yes").groundable is False
    assert look_up(text, text).groundable is False
