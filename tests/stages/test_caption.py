"""Captions come out as published, from a run's table and from published pickles."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.captions import CaptionConfig, multi_caption, single_caption
from stages import tables
from stages.caption import CAPTION, CaptionTilesConfig, caption
from tests.stages.vocabularies import AS_SHIPPED, vocab_with

PREFIX = "a satellite image of "

QUARRY = {"landuse": "quarry", "resource": "bauxite"}
SOLAR_PLANT = {
    "power": "plant",
    "plant:source": "solar",
    "plant:method": "thermal",
    "plant:output:electricity": "19.9 MW",
}
COTTON = {"landuse": "farmland", "crop": "cotton"}
LINE = {"power": "line", "cables": "3", "voltage": "16000"}
MINOR_LINE = {"power": "minor_line", "cables": "3", "voltage": "16000"}


def highway(value, **more):
    return {"highway": value, **more}


GOLDEN_SINGLE = [
    (QUARRY, "landuse of quarry, resource of bauxite"),
    ({"amenity": "fountain"}, "amenity of fountain"),
    (
        SOLAR_PLANT,
        "power plant, plant source of solar, plant method of thermal, "
        "plant output electricity of 19.9 MW",
    ),
    ({"power": "pole"}, "power pole"),
    ({"man_made": "pier"}, "man made pier"),
    (COTTON, "landuse of farmland, crop of cotton"),
    ({"man_made": "bridge"}, "man made bridge"),
    ({"building": "yes", "office": "energy_supplier"}, "building, office of energy supplier"),
    ({"building": "warehouse"}, "building of warehouse"),
]

GOLDEN_MULTI = [
    (QUARRY, [], "landuse of quarry with resource of bauxite"),
    (
        {"amenity": "fountain"},
        [{"natural": "tree"}, highway("footway")],
        "amenity of fountain, surrounded by natural tree; road of footway",
    ),
    (
        {"power": "pole"},
        [LINE],
        "power pole, surrounded by power line with cables of 3 and voltage of 16000",
    ),
    (
        {"power": "pole"},
        [MINOR_LINE],
        "power pole, surrounded by power minor line with cables of 3 and voltage of 16000",
    ),
    (
        {"man_made": "pier"},
        [{"waterway": "river"}],
        "man made pier, surrounded by waterway of river",
    ),
    (COTTON, [], "landuse of farmland with crop of cotton"),
    (
        highway("crossing", crossing="zebra"),
        [highway("residential"), highway("tertiary")],
        "road of crossing with crossing of zebra, "
        "surrounded by road of residential; road of tertiary",
    ),
    (
        {"highway": "crossing", "crossing": "uncontrolled", "crossing:markings": "zebra"},
        [highway("residential"), highway("tertiary"), highway("track")],
        "road of crossing with crossing of uncontrolled and crossing markings of zebra, "
        "surrounded by road of residential; road of tertiary; road of track",
    ),
    (
        highway("bus_stop", public_transport="platform", shelter="yes", bench="yes"),
        [
            highway("crossing"),
            highway("residential"),
            highway("footway"),
            {"public_transport": "stop_position"},
        ],
        "road of bus stop with public transport of platform and shelter and bench, "
        "surrounded by road of crossing; road of residential; road of footway; "
        "public transport of stop position",
    ),
    (
        {"aeroway": "apron"},
        [highway("service"), {"amenity": "parking"}, {"aeroway": "runway"}, {"aeroway": "taxiway"}],
        "airport of apron, surrounded by road of service; amenity of parking; "
        "airport of runway; airport of taxiway",
    ),
    ({"amenity": "prison"}, [], "amenity of prison"),
]


def turned_round(tags):
    return dict(reversed(tags.items()))


@pytest.mark.parametrize(("tags", "published"), GOLDEN_SINGLE)
def test_single_captions_are_the_published_ones(tags, published):
    assert single_caption(tags) == PREFIX + published
    assert single_caption(turned_round(tags)) == PREFIX + published


@pytest.mark.parametrize(("tags", "around", "published"), GOLDEN_MULTI)
def test_multi_captions_are_the_published_ones(tags, around, published):
    assert multi_caption(tags, around) == PREFIX + published
    turned = [turned_round(neighbour) for neighbour in around]
    assert multi_caption(turned_round(tags), turned) == PREFIX + published


def test_equal_neighbours_are_named_once_where_the_first_stands():
    around = [{"natural": "tree"}, highway("footway"), {"natural": "tree"}]
    said = multi_caption({"amenity": "fountain"}, around)
    assert said == PREFIX + "amenity of fountain, surrounded by natural tree; road of footway"


def test_a_neighbour_that_is_said_as_the_focus_is_not_named():
    around = [{"power": "pole"}, LINE]
    assert multi_caption({"power": "pole"}, around).count("power pole") == 1
    assert multi_caption({"power": "pole"}, [{"power": "pole"}]) == PREFIX + "power pole"


def test_a_neighbour_of_the_same_kind_with_other_tags_stays():
    said = multi_caption({"building": "house", "roof:shape": "flat"}, [{"building": "house"}])
    assert said.endswith("with roof shape of flat, surrounded by building of house")


def test_a_caption_is_one_line_whatever_the_tags_hold():
    tags = {"amenity": "a\nb\r\nc\td\x00e\u2028f", "shop": "x\x85y"}
    for text in (single_caption(tags), multi_caption(tags, [tags, {"building": "p\nq"}])):
        assert text.isprintable()
        assert "  " not in text
    assert "amenity of a b c d e f" in single_caption(tags)


def test_prefix_number_of_neighbours_and_order_are_the_configs():
    config = CaptionConfig(prefix="", max_surrounding=1, tag_order="as_given")
    tags = turned_round(QUARRY)
    around = [{"building": "yes"}, highway("track")]
    assert multi_caption(tags, around, config) == (
        "resource of bauxite with landuse of quarry, surrounded by building"
    )


META_ROW = {
    "object_id": "n1",
    "filepath": "images2/n1_SIM_24.jpg",
    "metapath": "meta2/n1_SIM_24.pickle",
    "source": "SIM",
    "gsd": 0.1,
    "center_tags": [("power", "pole")],
    "surrounding": [
        {"object_id": "w2", "tags": list(LINE.items()), "share": 0.0, "distance": 1.0},
        {"object_id": "w3", "tags": [("natural", "tree")], "share": 0.0, "distance": 2.0},
    ],
    "status": "ok",
}
EMPTY_ROW = {"center_tags": [], "surrounding": [], "status": "ok"}


def captions_of(*rows, vocab=AS_SHIPPED, at_the_edge="keep", style="published"):
    meta = pa.Table.from_pylist(list(rows), schema=tables.META.schema)
    config = CaptionTilesConfig(incomplete_surroundings=at_the_edge, style=style)
    made = caption(meta, vocab, config=config, shard=Shard(0, Path("unused")))
    return conform(made, tables.CAPTIONS, where="caption").to_pylist()


def test_the_stage_captions_every_ok_row_and_passes_the_others_on():
    failed = {**EMPTY_ROW, "object_id": "n2", "status": "failed", "reason": "timeout"}
    last = {**META_ROW, "object_id": "n3", "surrounding": []}
    first, passed, bare = captions_of(META_ROW, failed, last)
    assert first["title"] == PREFIX + "power pole"
    assert first["title_multi_objects"].endswith("voltage of 16000; natural tree")
    assert first["filepath"] == META_ROW["filepath"]
    assert first["status"] == "ok"
    assert passed["status"] == "failed"
    assert passed["reason"] == "timeout"
    assert passed["title"] is None
    assert bare["title_multi_objects"] == PREFIX + "power pole"


def test_the_stage_filters_a_row_with_nothing_to_say():
    (row,) = captions_of({**META_ROW, "center_tags": [], "surrounding": []})
    assert row["status"] == "filtered"
    assert row["reason"] == "no tag to say"
    assert row["title"] is row["filepath"] is None


def test_tiles_over_the_edge_of_the_extract_are_kept_unless_they_are_refused():
    whole, cut, unknown = (
        {**META_ROW, "object_id": name, "surroundings_complete": is_complete}
        for name, is_complete in (("n1", True), ("n2", False), ("n3", None))
    )
    failed = {**EMPTY_ROW, "object_id": "n4", "status": "failed", "reason": "timeout"}
    rows = (whole, cut, unknown, failed)
    assert [row["status"] for row in captions_of(*rows)] == ["ok", "ok", "ok", "failed"]
    refused = captions_of(*rows, at_the_edge="refuse")
    assert [row["status"] for row in refused] == ["ok", "filtered", "filtered", "failed"]
    assert refused[1]["reason"] == "the tile is not within the bounds of the OSM extract"
    assert refused[3]["reason"] == "timeout"
    assert refused[1]["title"] is refused[1]["filepath"] is None


def test_an_empty_shard_gives_an_empty_table():
    assert captions_of() == []
    assert captions_of(at_the_edge="refuse") == []


def test_a_changed_vocabulary_changes_the_stages_identity():
    assert set(CAPTION.external(CaptionConfig())) == {"tag_vocab"}


def test_old_spellings_are_said_as_today_s_and_several_values_one_by_one():
    assert single_caption({"power": "sub_station"}) == PREFIX + "power substation"
    pitch = {"leisure": "pitch", "sport": "tennis;basketball"}
    assert multi_caption(pitch, [{"power": "sub_station"}, {"power": "substation"}]) == (
        PREFIX + "leisure land of pitch with sport of tennis and sport of basketball, "
        "surrounded by power substation"
    )


def test_spelling_as_given_changes_no_tag():
    config = CaptionConfig(spelling="as_given")
    assert single_caption({"power": "sub_station"}, config) == PREFIX + "power sub station"
    pitch = {"leisure": "pitch", "sport": "tennis;basketball"}
    assert single_caption(pitch, config).endswith("sport of tennis;basketball")


def test_the_run_s_own_phrases_are_said():
    mine = vocab_with(("power", "pole", 0.2, "utility pole"))
    (row,) = captions_of(META_ROW, vocab=mine)
    assert row["title"] == PREFIX + "utility pole"
