"""The stage writes either style, with the number of tokens of each caption."""

from tests.stages.test_caption import EMPTY_ROW, META_ROW, PREFIX, captions_of

HOUSES = [
    {"object_id": f"a{number}", "tags": [("building", "house")], "share": 0.1, "distance": 1.0}
    for number in range(3)
]
ROW = {**META_ROW, "surrounding": META_ROW["surrounding"] + HOUSES}


def test_readable_captions_name_kinds_and_shares_of_the_table():
    failed = {**EMPTY_ROW, "object_id": "n2", "status": "failed", "reason": "timeout"}
    first, passed = captions_of(ROW, failed, style="readable")
    assert first["title"] == PREFIX + "a power pole"
    around = ", surrounded by three houses; a power line; a tree"
    assert first["title_multi_objects"] == PREFIX + "a power pole" + around
    assert (first["tokens"], first["tokens_multi_objects"]) == (9, 21)
    assert passed["title"] is passed["tokens"] is None
    assert passed["reason"] == "timeout"


def test_published_captions_have_their_tokens_too():
    (row,) = captions_of(META_ROW)
    assert row["title_multi_objects"] == PREFIX + (
        "power pole, surrounded by power line with cables of 3 and voltage of 16000; natural tree"
    )
    assert (row["tokens"], row["tokens_multi_objects"]) == (8, 28)


def test_a_readable_row_with_nothing_to_say_is_filtered():
    (row,) = captions_of({**EMPTY_ROW, "object_id": "n3"}, style="readable")
    assert (row["status"], row["reason"]) == ("filtered", "no tag to say")
