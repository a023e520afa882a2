"""All that captions of the shared extracts can say, read through once by eye (phrases.csv).

The file holds every distinct phrase of a visible tag over all extracts, the names of the concepts
that readable captions say instead, and the verdict: ``said``, or ``never`` for what an earlier
vocabulary said, with the reason. A new phrase must be read and
added. ``open`` keys are those whose rule is ``word``, ``number`` or ``spelled``.
"""

import csv
from pathlib import Path

import pytest

from tag_vocab import SHIPPED, concepts_of, files, modernise, phrase
from tag_vocab.known import count_kinds

READ = Path(__file__).with_name("phrases.csv")


def rows():
    return list(csv.DictReader(READ.read_text("utf-8").splitlines()))


def test_what_was_judged_is_still_said_or_silent():
    for row in rows():
        key, value = row["key"], row["value"]
        assert row["verdict"] in ("said", "never")
        found = [seen[:2] for seen in SHIPPED._seen_values(key, value)]
        assert ((key, value) in found) == (row["verdict"] == "said"), row
        assert row["phrase"] == phrase(key, value)
        assert (row["verdict"] == "never") == bool(row["note"]), row


def test_a_readable_caption_says_the_names_that_were_read():
    for row in rows():
        if row["verdict"] == "said":
            shown = concepts_of({row["key"]: row["value"]}, "a")
            assert row["name"] == " + ".join(one.name for one in shown) != "", row


def test_no_phrase_is_negative_or_a_misspelling():
    for row in rows():
        if row["verdict"] == "said":
            assert (row["key"], row["value"]) not in files.spellings()
            assert (
                row["value"] not in ("no", "none", "unknown", "false") and ";" not in row["value"]
            )


@pytest.mark.slow
def test_the_extracts_say_nothing_that_was_not_read(shared_data):
    pytest.importorskip("osmium")
    names = sorted(path for path in (shared_data / "osm").iterdir() if ".osm" in path.name)
    said = {
        seen[:2]
        for tag in count_kinds(names)
        for today in modernise(dict([tag])).items()
        for seen in SHIPPED._seen_values(*today)
    }
    known = {(row["key"], row["value"]) for row in rows() if row["verdict"] == "said"}
    assert len(said) > 900
    assert said - known == set()
