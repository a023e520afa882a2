"""Misspellings: the frozen list, and how proposals for it are found."""

import pytest

from tag_vocab import files, modernise
from tag_vocab.spelling import Proposal, distance, propose


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [
        ("flat", "flat", 0),
        ("glat", "flat", 1),
        ("concerte", "concrete", 1),  # two neighbours change places
        ("sawtoth", "sawtooth", 1),
        ("", "ab", 2),
        ("skating", "karting", 2),
    ],
)
def test_an_edit_changes_adds_drops_or_swaps_letters(left, right, edits):
    assert distance(left, right, 3) == edits == distance(right, left, 3)


def test_words_whose_lengths_differ_by_more_are_farther_than_asked():
    assert distance("a", "abcdef", 2) > 2


def test_an_unlabelled_word_near_one_visible_label_is_proposed():
    counted = {
        ("roof:shape", "gabeld"): 3,
        ("sport", "Motor_Cross"): 1,  # motocross is two edits away
        ("roof:shape", "gabled"): 9,  # a label
        ("roof:shape", "xy"): 9,  # too short
        ("sport", "dartss"): 2,  # near a label that is not visible
        ("name", "flat"): 1,  # a key that never shows
        ("my_key", "flat"): 1,
    }
    assert propose(counted) == [
        Proposal("roof:shape", "gabeld", "gabled", 3, 1),
        Proposal("sport", "Motor_Cross", "motocross", 1, 2),
    ]


def test_each_shipped_misspelling_leads_to_a_label_at_once_and_has_its_evidence():
    rows = list(files.shipped_rows("spellings.csv", "key,value,meant,objects,evidence"))
    assert len(rows) >= 20
    assert [row["key"] + "=" + row["value"] for _, row in rows] == sorted(
        row["key"] + "=" + row["value"] for _, row in rows
    )
    for _, row in rows:
        assert modernise({row["key"]: row["value"]}) == {row["key"]: row["meant"]}
        assert int(row["objects"]) > 0 and row["evidence"]
        assert files.labels()[row["key"], row["meant"]].groundable
