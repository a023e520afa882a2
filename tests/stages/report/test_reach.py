"""What the report says of each tag: reached by which draw, or why not."""

import csv

import pytest

from stages.report.reach import NOT_DRAWN, TOO_COARSE
from tests.stages.report.made_run import Run

COVERED = "no source covers it"


@pytest.fixture
def run():
    """A run with two tags that are reached, and four that are not, each for another reason."""
    run = Run("US").add("n1", {"natural": "tree"}).add("n2", {"landuse": "quarry"})
    run.rows["focus"][0] |= {"chosen_by": "cell", "chosen_for": "910/4710"}
    run.rows["focus"][1] |= {"chosen_by": "rare", "chosen_for": "landuse=quarry"}
    run.rows["eligible"][0]["unseen"] = ["barrier=bollard"]
    row = run.rows["eligible"][0]
    away = {"status": "filtered", "tags": []}
    run.rows["eligible"] += [
        row | {"object_id": "n3", "tags": ["building=yes"], "unseen": []},
        row | away | {"object_id": "n4", "unseen": ["leisure=pitch"], "reason": COVERED},
        row | away | {"object_id": "n5", "unseen": ["leisure=pitch"], "reason": "too large"},
        row | away | {"object_id": "n6", "unseen": ["leisure=pitch"], "reason": COVERED},
        row | away | {"object_id": "n7", "unseen": ["natural=tree"], "reason": COVERED},
    ]
    return run


@pytest.mark.slow
def test_each_tag_has_its_draws_or_its_reason(run, tmp_path):
    run.page(tmp_path)
    with (tmp_path / "report/tags.csv").open(newline="") as file:
        rows = {row["tag"]: row for row in csv.DictReader(file)}
    assert {tag: row["why_not"] for tag, row in rows.items()} == {
        "leisure=pitch": COVERED,
        "natural=tree": "",
        "barrier=bollard": TOO_COARSE,
        "building=yes": NOT_DRAWN,
        "landuse=quarry": "",
    }
    assert list(rows)[:2] == ["leisure=pitch", "natural=tree"]
    assert (rows["natural=tree"]["by_cell"], rows["natural=tree"]["by_rare"]) == ("1", "0")
    assert (rows["landuse=quarry"]["by_cell"], rows["landuse=quarry"]["by_rare"]) == ("0", "1")
    assert rows["leisure=pitch"]["others"] == f"2 {COVERED}; 1 too large"
    for row in rows.values():
        lost = sum(int(each.split()[0]) for each in row["others"].split("; ") if each)
        assert int(row["objects"]) == int(row["eligible"]) + lost


@pytest.mark.slow
def test_the_page_counts_the_tags_and_names_the_most_frequent_ones(run, tmp_path):
    text = run.page(tmp_path).text
    assert "5 tags of the extract can be seen from above" in text
    assert "1 is reached in drawn cells" in text
    assert f"leisure=pitch {COVERED} 3" in text
