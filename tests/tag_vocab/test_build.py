"""The shipped vocabulary: complete, consistent, and what its builder makes."""

import csv
import io

import pytest

from tag_vocab import build, classifier, files, look_up, needs_classifier
from tests.tag_vocab.letters import Letters, few_lessons


@pytest.fixture(scope="module")
def shipped():
    rows = csv.DictReader(io.StringIO(files._bytes("vocabulary.csv").decode(), newline=""))
    return {(row["key"], row["value"]): row for row in rows}


def test_it_holds_every_known_tag_once_in_order(shipped):
    assert list(shipped) == build.known_tags()
    assert len(shipped) >= 5_000
    assert {tag for tag in files.labels() if tag[0] != files.ANY} <= set(shipped)
    assert set(files.frequency()) <= set(shipped)


def test_every_row_is_consistent(shipped):
    for tag, row in shipped.items():
        assert row["groundable"] in ("yes", "no"), tag
        assert (row["groundable"] == "yes") == bool(row["max_gsd"]), tag
        assert not row["max_gsd"] or float(row["max_gsd"]) in files.GSDS, tag
        assert row["source"] in ("label", "model", "key", "default"), tag
        assert row["phrase"], tag
        if row["source"] == "model":
            assert (float(row["probability"]) >= 0.5) == (row["groundable"] == "yes"), tag
        else:
            assert float(row["probability"]) == (row["groundable"] == "yes"), tag


def test_a_look_up_gives_what_the_row_says(shipped):
    for tag, row in shipped.items():
        entry = look_up(*tag)
        assert entry.source == row["source"], tag
        assert entry.groundable == (row["groundable"] == "yes"), tag
        assert entry.max_gsd == (float(row["max_gsd"]) if row["max_gsd"] else None), tag
        assert entry.probability == float(row["probability"]), tag


def test_the_classifiers_answer_just_the_open_tags(shipped):
    by_model = {tag for tag, row in shipped.items() if row["source"] == "model"}
    assert by_model == {tag for tag in shipped if needs_classifier(*tag)}
    assert by_model
    assert not needs_classifier("name", "house") and not needs_classifier("building", "church")
    assert not needs_classifier("shop", "Bäckerei Müller") and not needs_classifier(
        "building:type", "church"
    )


def test_the_most_frequent_tag_ranks_first(shipped):
    first = max(files.frequency(), key=lambda tag: files.frequency()[tag])
    assert shipped[first]["rank"] == "1"
    ranks = [int(row["rank"]) for row in shipped.values() if row["rank"]]
    assert sorted(ranks) == list(range(1, len(files.frequency()) + 1))


def test_the_builder_makes_the_same_bytes_twice_and_the_shipped_rows_but_for_guesses(
    shipped, monkeypatch
):
    few = few_lessons()
    monkeypatch.setattr(classifier, "training_tags", lambda: few)
    made = build.build(Letters())
    monkeypatch.setattr(
        files, "guesses", lambda: dict.fromkeys(files.labels(), files.Guess(True, 1, 1))
    )
    assert made == build.build(Letters()), "an earlier vocabulary shows in it"
    rows = {
        (row["key"], row["value"]): row
        for row in csv.DictReader(io.StringIO(made.decode(), newline=""))
    }
    assert list(rows) == list(shipped)
    for tag, row in rows.items():
        assert row["source"] == "model" or row == shipped[tag], tag
