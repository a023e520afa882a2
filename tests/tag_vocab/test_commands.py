"""The commands' plain functions."""

import csv

import pytest

from tag_vocab import commands, read_own_labels, with_own_labels

HOSTILE = [
    "",
    "=",
    "x=" + "y" * 10_240,
    "a\x00b=\x1b[31m",
    "🏠=🌳",
    "مسجد=\u202egnid",
    "no equals",
    "a=b=c",
]


def test_a_look_up_gives_a_row_of_text_for_each_tag():
    church, name = commands.lookup(["building=church", "name=Oak = Street"])
    assert church == ("building=church", "yes", "1.00", "label", "1", "building of church")
    assert name == ("name=Oak = Street", "no", "0.00", "key", "", "name of Oak = Street")


@pytest.mark.parametrize("tag", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_tag_gets_a_row(tag):
    (row,) = commands.lookup([tag])
    assert row.tag == tag
    assert row.groundable == "no"


def test_a_file_of_tags_is_answered_line_by_line(tmp_path):
    source, out = tmp_path / "tags.csv", tmp_path / "new" / "out.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["count", "tag"], *([1, tag] for tag in HOSTILE), [2, "power=pole"]]
        )
    assert commands.lookup_file(source, out) == len(HOSTILE) + 1
    with out.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["tag", "groundable", "probability", "source", "max_gsd", "phrase"]
    assert [row[0] for row in rows[1:-1]] == HOSTILE
    assert rows[-1] == ["power=pole", "yes", "1.00", "label", "0.2", "power pole"]
    assert [path.name for path in out.parent.iterdir()] == ["out.csv"]


def test_key_and_value_may_stand_in_columns_of_their_own(tmp_path):
    source = tmp_path / "tags.csv"
    source.write_text("key,value\nnatural,tree\n")
    assert commands.lookup_file(source, tmp_path / "out.csv") == 1
    assert "natural=tree,yes" in (tmp_path / "out.csv").read_text()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"name,count\n", "has no column tag, nor columns key and value"),
        (b"", "has no column tag"),
        (b"tag\n\xff\xfe\n", "is not a CSV file in UTF-8"),
        (b'tag\n"a"b\n', "is not a CSV file in UTF-8"),
        (b"key,value\nbuilding,church\nshop\n", "line 3: has more or fewer values"),
        (b"tag\nname=a,b\n", "line 2: has more or fewer values"),
    ],
)
def test_a_file_that_is_no_list_of_tags_is_named_and_leaves_nothing(tmp_path, data, complaint):
    source = tmp_path / "tags.csv"
    source.write_bytes(data)
    with pytest.raises(ValueError, match=complaint) as error:
        commands.lookup_file(source, tmp_path / "out.csv")
    assert str(source) in str(error.value)
    assert list(tmp_path.iterdir()) == [source]


def test_the_evidence_card_says_what_decided_and_what_is_known():
    card = commands.explain("man_made", "pier")
    assert card.splitlines()[0] == "man_made=pier"
    assert '  phrase    "man made pier"' in card
    assert "visible up to 1 m, by label" in card
    assert "size      line of 3 m" in card
    assert "a walk of 2 to 6 m out into water" in card
    assert "in iD: preset" in card


def test_the_card_of_an_unknown_tag_names_labels_of_the_same_word():
    card = commands.explain("my_key", "golf")
    assert "not visible, by default" in card
    assert "key       has no rule" in card
    assert "same word sport=golf" in card


def test_with_an_encoder_the_card_shows_both_stages_and_the_likest_labels(monkeypatch):
    from tag_vocab import classifier, encoders
    from tests.tag_vocab.letters import Letters, few_lessons

    few = few_lessons()
    monkeypatch.setattr(classifier, "training_tags", lambda: few)
    monkeypatch.setattr(encoders, "load", lambda name: Letters())
    card = commands.explain("building", "farm_houses", "letters")
    assert "stage I   probability 0." in card
    assert "stage II  up to" in card
    assert card.count("  like      building=") >= 4


def test_a_build_replaces_the_file_whole(tmp_path, monkeypatch):
    from tag_vocab import classifier, encoders
    from tests.tag_vocab.letters import Letters, few_lessons

    few = few_lessons()
    monkeypatch.setattr(classifier, "training_tags", lambda: few)
    monkeypatch.setattr(encoders, "load", lambda name: Letters())
    count = commands.build(tmp_path / "vocabulary.csv")
    with (tmp_path / "vocabulary.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == count + 1
    assert [path.name for path in tmp_path.iterdir()] == ["vocabulary.csv"]


def test_a_terminal_gets_one_line_that_does_not_steer_it():
    hostile = "building=\x1b[31m\n" + "x" * 10_240
    card = commands.explain(*hostile.split("=", 1))
    assert all(line.isprintable() for line in card.splitlines())
    assert max(map(len, card.splitlines())) < 300
    assert commands.plain("a\x1b\nb") == "a\\x1b\\nb"


def test_own_labels_go_before_the_shipped_ones(tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("tag,groundable,max_gsd,phrase\nmy:key=*,yes,0.6,thing of mine\n")
    mine = with_own_labels(read_own_labels(own))
    (row,) = commands.lookup(["my:key=a"], mine)
    assert row == ("my:key=a", "yes", "1.00", "own", "0.6", "thing of mine")
    assert "by own" in commands.explain("my:key", "a", vocabulary=mine)
    (other,) = commands.lookup(["building=church"], mine)
    assert other == next(commands.lookup(["building=church"]))


def test_a_phrase_is_what_captions_say():
    rows = commands.lookup(["sport=tennis;basketball", "power=sub_station", ""])
    assert [row.phrase for row in rows][:2] == [
        "sport of tennis, sport of basketball",
        "power substation",
    ]


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path):
    (tmp_path / "tags.csv").write_bytes(b"\xef\xbb\xbftag\nbuilding=church\n")
    assert commands.lookup_file(tmp_path / "tags.csv", tmp_path / "out.csv") == 1
