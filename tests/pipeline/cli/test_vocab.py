"""`skyscript vocab`: answers on tags, for people and for files."""

import csv
from pathlib import Path

import pytest

from tests.conftest import answered

pytestmark = pytest.mark.slow


def test_lookup_answers_tags_as_csv() -> None:
    done = answered("vocab", "lookup", "power=pole", "name=Ram", "height=12")
    assert done.returncode == 0
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [row["groundable"] for row in rows] == ["yes", "no", "no"]
    assert rows[0]["max_gsd"] == "0.2"
    assert rows[0]["phrase"] == "power pole"


def test_tree_prints_the_whole_tree_or_what_tags_show() -> None:
    whole = answered("vocab", "tree")
    assert whole.returncode == 0
    assert "building\n  residential building\n    house\n" in whole.stdout
    court = answered("vocab", "tree", "leisure=pitch", "sport=tennis")
    assert court.stdout.startswith("tennis court\n  plural    tennis courts\n")
    wrong = answered("vocab", "tree", "tenis court")
    assert wrong.returncode == 2
    assert "did you mean 'tennis court'?" in wrong.stderr


def test_lookup_of_a_file_writes_an_answer_a_tag(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text("tag\nbuilding=church\nname=Ram\n")
    done = answered(
        "vocab", "lookup", "--file", tmp_path / "tags.csv", "--out", tmp_path / "out.csv"
    )
    assert done.returncode == 0
    with (tmp_path / "out.csv").open() as file:
        assert [row["tag"] for row in csv.DictReader(file)] == ["building=church", "name=Ram"]


def test_explain_shows_the_label_and_its_reason() -> None:
    said = answered("vocab", "explain", "man_made=pier").stdout
    assert "by label" in said
    assert "because" in said


@pytest.mark.slow
def test_a_mistake_is_one_sentence(tmp_path: Path) -> None:
    for arguments in (
        ["lookup"],
        ["lookup", "a=b", "--file", "x", "--out", "y"],
        ["lookup", "--file", tmp_path / "nowhere.csv", "--out", tmp_path / "out.csv"],
        ["explain", "a=b", "--encoder", "nonsense"],
        ["lookup", "building=church", "building"],
        ["explain", "=church"],
    ):
        done = answered("vocab", *arguments)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("error: ")
