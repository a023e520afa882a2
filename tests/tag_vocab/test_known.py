"""Which tags are known to be used, from a schema and an extract of a few lines."""

import csv
import io
import json

import pytest

from tag_vocab import files
from tag_vocab.known import deprecations, id_words, renew, universe

PRESETS = {
    "man_made/pier": {"tags": {"man_made": "pier"}, "geometry": ["line", "area"]},
    "man_made/pier/floating": {
        "tags": {"man_made": "pier", "floating": "yes"},
        "geometry": ["line"],
    },
    "building": {"tags": {"building": "*"}, "geometry": ["area"]},
    "@templates/poi": {"tags": {"@template": "poi"}, "geometry": ["point"]},
    "line": {"tags": {}, "geometry": ["line"]},
}
FIELDS = {
    "crop": {"type": "combo", "key": "crop", "options": ["corn", "*"]},
    "sides": {"type": "combo", "keys": ["parking:left", "parking:right"], "options": ["lane"]},
    "payment": {"type": "multiCombo", "key": "payment:", "options": ["cash"]},
    "name": {"type": "text", "key": "name"},
}
RULES = [
    {"old": {"landuse": "pond"}, "replace": {"natural": "water", "water": "pond"}},
    {"old": {"content": "unknown"}},
]

ENGLISH = {
    "presets": {
        "man_made/pier": {"name": "Pier", "terms": "dock, jetty"},
        "man_made/pier/floating": {"name": "Floating Pier"},
        "building": {"name": "Building", "terms": "house"},
    },
    "fields": {
        "crop": {"label": "Crop", "options": {"corn": {"title": "Corn", "description": "maize"}}},
        "sides": {"label": "Parking", "options": {"lane": "Lane"}},
    },
}


@pytest.fixture
def schema(tmp_path):
    (tmp_path / "translations").mkdir()
    for name, content in (
        ("presets", PRESETS),
        ("fields", FIELDS),
        ("deprecated", RULES),
        ("translations/en", {"en": {"presets": ENGLISH}}),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


@pytest.fixture
def extract(tmp_path):
    """Write benches of a new kind, a pier often a line and once a point, and names."""
    lines = ["<osm version='0.6'>"]
    for number in range(1, 31):
        tags = f"<tag k='my_seat' v='bench_swing'/><tag k='name' v='bank {number % 2}'/>"
        lines.append(f"<node id='{number}' lat='1' lon='{number}' version='1'>{tags}</node>")
    lines.append("<node id='31' lat='1' lon='1'><tag k='man_made' v='pier'/></node>")
    lines.append("<node id='32' lat='1' lon='1'><tag k='my_seat' v='rare'/></node>")
    for number in range(1, 31):
        way = "<nd ref='1'/><nd ref='2'/><tag k='man_made' v='pier'/>"
        lines.append(f"<way id='{number}' version='1'>{way}</way>")
    path = tmp_path / "seats.osm"
    path.write_text("\n".join([*lines, "</osm>"]))
    return path


def rows(data):
    return {
        (row["key"], row["value"]): (row["in_id"], row["kinds"])
        for row in csv.DictReader(io.StringIO(data.decode()))
    }


def test_presets_and_options_of_fields_are_known_and_templates_are_not(schema):
    found = rows(universe(schema, []))
    assert found == {
        ("man_made", "pier"): ("preset", "wa"),
        ("floating", "yes"): ("preset", "w"),
        ("crop", "corn"): ("field", ""),
        ("parking:left", "lane"): ("field", ""),
        ("parking:right", "lane"): ("field", ""),
    }


def test_an_extract_adds_words_that_recur_and_says_what_carries_them(schema, extract):
    pytest.importorskip("osmium")
    found = rows(universe(schema, [extract]))
    assert found["my_seat", "bench_swing"] == ("", "n")
    assert found["man_made", "pier"] == ("preset", "w")
    assert ("my_seat", "rare") not in found


def test_a_key_that_never_shows_gives_one_word_and_no_more(schema, extract):
    pytest.importorskip("osmium")
    found = rows(universe(schema, [extract]))
    assert [tag for tag in found if tag[0] == "name"] == [("name", "bank 1")]


def test_rules_for_old_spellings_are_joined_with_a_plus(schema):
    assert deprecations(schema).decode().splitlines() == [
        "old,new",
        "landuse=pond,natural=water + water=pond",
        "content=unknown,",
    ]


def test_the_shipped_table_is_in_order_and_no_longer_than_words_are():
    assert list(files.universe()) == sorted(files.universe())
    for (key, value), known in files.universe().items():
        assert key.strip() == key, key
        assert known.in_id or len(value) <= 60, value


def test_the_words_of_a_tag_are_its_preset_s_name_and_terms_or_the_label_of_its_value(schema):
    assert id_words(schema).decode().splitlines() == [
        "key,value,words",
        "crop,*,Crop",
        "crop,corn,Corn",
        "floating,yes,Floating Pier. ",
        'man_made,pier,"Pier. dock, jetty"',
        "parking:left,*,Parking",
        "parking:left,lane,Lane",
        "parking:right,*,Parking",
        "parking:right,lane,Lane",
    ]


def test_a_renewal_writes_its_three_tables(schema, tmp_path):
    renew(schema, [], tmp_path / "new")
    assert (tmp_path / "new/universe.csv").read_bytes() == universe(schema, [])
    assert (tmp_path / "new/deprecated.csv").read_bytes() == deprecations(schema)
    assert (tmp_path / "new/id_words.csv").read_bytes() == id_words(schema)
