"""Short and long captions are composed of the title and of statements, within their tokens."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.captions import PhraseTokens, compose, take_turns
from stages import tables
from stages.caption import CaptionTilesConfig, caption
from tests.stages.vocabularies import AS_SHIPPED

META = [
    {"object_id": f"a{number}", "filepath": f"images2/a{number}_US_20.jpg", "status": "ok"}
    | {"center_tags": list(tags.items()), "surrounding": []}
    for number, tags in enumerate([{"building": "church"}, {"building": "church"}, {}])
]
COVER = "About 30 percent of the area is covered by grass."


def said(number, kind, text, role="statement"):
    whole = {"geometry": b"", "box": [0, 0, 1, 1], "bins": [0, 0, 1000, 1000], "rests_on": []}
    ids = {"object_id": f"a{number}", "statement_id": text, "filepath": "x", "claim": text}
    return whole | ids | {"kind": kind, "role": role, "text": text}


def captioned(statements, **config):
    meta = pa.Table.from_pylist(META, schema=tables.META.schema)
    if statements is not None:
        statements = pa.Table.from_pylist(statements, schema=tables.STATEMENTS.schema)
    config, shard = CaptionTilesConfig(**config), Shard(0, Path("unused"))
    made = caption(meta, AS_SHIPPED, config=config, shard=shard, statements=statements)
    return conform(made, tables.CAPTIONS, where="caption").to_pylist()


def test_statements_follow_the_title_a_kind_in_turn():
    statements = [
        said(0, "count", "Two barns are visible."),
        said(0, "count", "There is one house."),
        said(0, "region", "The box [1, 2, 3, 4] shows a house."),
        said(0, "not_count", "There are nine barns.", "negative"),
        said(0, "cover", COVER),
    ]
    one, other, nothing = captioned(statements)
    title = "a satellite image of building of church."
    assert one["title_short"] == f"{title} {COVER} Two barns are visible. There is one house."
    assert one["title_long"] == one["title_short"]
    assert other["title_short"] == title
    assert one["tokens_short"] == one["tokens_long"] > other["tokens_short"]
    assert nothing["title_short"] is nothing["tokens_long"] is None


def test_a_run_without_statements_has_no_composed_captions():
    assert {row["title_short"] for row in captioned(None)} == {None}
    assert {row["tokens_long"] for row in captioned(None)} == {None}


def test_a_sentence_that_does_not_fit_is_left_out_and_a_shorter_one_taken():
    counts = PhraseTokens()
    long, short = "There are " + "very " * 80 + "many houses.", "There is one house."
    made = compose([("a church", 4)], [long, short], counts)
    assert made.title_short == f"a church. {short}"
    assert made.title_long == f"a church. {long} {short}"
    assert made.tokens_short == 4 + 1 + counts[short]
    assert 77 < made.tokens_long <= 248


def test_a_long_caption_begins_with_all_objects_where_they_fit():
    beginnings = [("a church", 4), ("a church, surrounded by houses", 9)]
    made = compose(beginnings, [], PhraseTokens())
    assert made.title_long == "a church, surrounded by houses."
    assert made.title_short == "a church."
    too_long = [beginnings[0], ("a church, surrounded by " + "houses, " * 300, 900)]
    assert compose(too_long, [], PhraseTokens()).title_long == "a church."


@pytest.mark.parametrize("limit", ["short", "long"])
def test_no_caption_is_longer_than_the_model_reads(limit):
    sentences = [f"There are {number} houses." for number in range(100)]
    made = compose([("a church", 4)], sentences, PhraseTokens())
    most = {"short": 77, "long": 248}[limit]
    assert most - 7 < getattr(made, f"tokens_{limit}") <= most


def test_kinds_take_turns_and_no_text_comes_twice():
    texts = {"a": ["1", "2", "1", "3"], "b": ["4", "1"], "c": ["5"]}
    assert take_turns(texts, ["b", "a"]) == ["4", "1", "2", "3"]
