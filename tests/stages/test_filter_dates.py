"""What the filter does with columns of the table `match` in a captions file."""

import re

import pytest

from pipeline.errors import InputError
from stages.filter import filter_csv
from tests.stages.test_filter import HEADER, all_for_training, kept, pairs, read, write


def test_pairs_whose_object_changed_or_was_built_after_the_capture_are_dropped(tmp_path):
    rows = [
        [*row, *gaps]
        for row, gaps in zip(
            pairs(6, lambda number: 0.1),
            [("400", ""), ("30", ""), ("-5", "1"), ("-5", "-1"), ("", ""), ("0", "0")],
            strict=True,
        )
    ]
    source = write(tmp_path / "in.csv", rows, [*HEADER, "date_gap_days", "built_gap_days"])
    done = filter_csv(source, tmp_path, all_for_training(top=(100,), max_days_after=30))
    assert kept(tmp_path, 100) == [rows[number][0] for number in (1, 3, 4, 5)]
    assert done.sides == {
        "train": 4,
        "the object was built after the capture": 1,
        "the object changed on the map after the capture": 1,
    }


def test_without_the_option_no_date_is_looked_at(tmp_path):
    rows = [[*row, "9999"] for row in pairs(6, lambda number: 0.1)]
    source = write(tmp_path / "in.csv", rows, [*HEADER, "date_gap_days"])
    filter_csv(source, tmp_path, all_for_training(top=(100,)))
    assert len(kept(tmp_path, 100)) == 6


@pytest.mark.parametrize(
    ("header", "value", "said"),
    [
        (HEADER, None, "in.csv: has no column 'date_gap_days', which max_days_after needs"),
        ([*HEADER, "date_gap_days"], "soon", "line 2: date_gap_days is 'soon', not a number of"),
    ],
)
def test_dates_that_are_missing_or_no_numbers_are_named(tmp_path, header, value, said):
    rows = [[*row, *([] if value is None else [value])] for row in pairs(3, lambda number: 0.1)]
    with pytest.raises(InputError, match=re.escape(said)):
        filter_csv(
            write(tmp_path / "in.csv", rows, header), tmp_path, all_for_training(max_days_after=0)
        )


def test_a_file_can_be_ranked_by_how_well_the_map_lies_on_the_image(tmp_path):
    rows = [[*row, row[3]] for row in pairs(10, lambda number: f"0.{9 - number}")]
    for number, row in enumerate(rows):
        row[4] = "" if number == 9 else f"0.{number}"
    source = write(tmp_path / "in.csv", rows, [*HEADER, "match"])
    filter_csv(source, tmp_path, all_for_training(top=(20,), by=("match",)))
    (out,) = tmp_path.glob("SkyScript_train_top20pct_filtered_by_match.csv")
    assert [row["filepath"] for row in read(out)] == [rows[8][0]]  # a fifth of nine
