"""Phrases of captions of all objects: split, scored and dropped one by one."""

import csv
import json

import pytest

from pipeline.errors import InputError
from skyscript.files.phrases import make_caption, split_neighbours
from stages.filter import FilterConfig, filter_csv

HEADER = ["filepath", "title", "title_multi_objects", "similarity_A", "phrases_A"]
TRAIN = "SkyScript_train_top100pct_filtered_by_A.csv"
PIER = "a satellite image of man made pier with floating"


def write(path, *rows, header=HEADER):
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def pair(number, multi, phrases):
    return [
        f"images2/n{number}_US_20.jpg",
        "a satellite image of man made pier",
        multi,
        0.2,
        phrases,
    ]


def filtered(tmp_path, *rows, **options):
    """Filter so that all pairs stay; give their captions of all objects, and the report."""
    everything = {"split": "random", "test_rows": 0, "val_rows": 0, "top": (100,)}
    filter_csv(write(tmp_path / "in.csv", *rows), tmp_path, FilterConfig(**everything, **options))
    with (tmp_path / TRAIN).open(newline="") as file:
        captions = [row["title_multi_objects"] for row in csv.DictReader(file)]
    return captions, json.loads((tmp_path / "filter_report.json").read_text())["phrases"]


def test_neighbours_are_what_stands_after_surrounded_by():
    caption = f"{PIER}, surrounded by waterway of river; road of footway with surface of wood"
    assert split_neighbours(caption) == [
        "waterway of river",
        "road of footway with surface of wood",
    ]
    assert split_neighbours(PIER) == []
    assert make_caption("waterway of river", caption) == "a satellite image of waterway of river"
    assert make_caption("waterway of river", "seen: pier") == "waterway of river"


def test_phrases_below_a_score_go_and_the_pair_stays(tmp_path):
    captions, report = filtered(
        tmp_path,
        pair(1, f"{PIER}, surrounded by river; road; natural tree", "0.3;0.1;0.25"),
        pair(2, f"{PIER}, surrounded by road", "0.05"),
        pair(3, PIER, ""),
        pair(4, f"{PIER}, surrounded by river; road", ""),  # its image had no score
        phrases_below=0.2,
    )
    assert captions == [
        f"{PIER}, surrounded by river; natural tree",
        PIER,
        PIER,
        f"{PIER}, surrounded by river; road",
    ]
    assert report == {
        "below": 0.2, "phrases": 4, "dropped": 2, "captions": 2, "most": [["road", 2, 2]],
    }  # fmt: skip


def test_the_lowest_percent_of_all_phrases_go(tmp_path):
    rows = [
        pair(n, f"{PIER}, surrounded by a{n}; b{n}", f"{0.2 + n / 100};{0.6 + n / 100}")
        for n in range(20)
    ]
    captions, report = filtered(tmp_path, *rows, lowest_phrases=25)
    assert report["dropped"] == 10
    assert captions[:10] == [f"{PIER}, surrounded by b{n}" for n in range(10)]
    assert captions[10:] == [row[2] for row in rows[10:]]


def test_phrases_of_one_score_stand_or_fall_together(tmp_path):
    rows = [pair(n, f"{PIER}, surrounded by a", "0.25") for n in range(10)]
    captions, report = filtered(tmp_path, *rows, lowest_phrases=50)
    assert report["dropped"] == 0
    assert captions == [row[2] for row in rows]


def test_without_the_option_captions_stay_and_the_report_says_nothing(tmp_path):
    rows = [pair(1, f"{PIER}, surrounded by a", "0.0")]
    assert filtered(tmp_path, *rows) == ([rows[0][2]], None)


@pytest.mark.parametrize("phrases", ["0.1", "0.1;x", "0.1;nan", "0.1;0.2;0.3"])
def test_scores_that_do_not_belong_to_the_phrases_are_named(tmp_path, phrases):
    rows = [pair(1, PIER, ""), pair(2, f"{PIER}, surrounded by a; b", phrases)]
    with pytest.raises(InputError, match=r"in\.csv: line 3: phrases_A does not hold a score for"):
        filtered(tmp_path, *rows, phrases_below=0.2)


def test_a_file_without_scores_of_phrases_says_how_to_get_them(tmp_path):
    path = write(tmp_path / "in.csv", pair(1, PIER, "")[:4], header=HEADER[:4])
    with pytest.raises(InputError, match=r"no column 'phrases_A'.*score\.phrases=true"):
        filter_csv(path, tmp_path / "out", FilterConfig(split="random", lowest_phrases=1))
