"""Columns of other files join by path, and several columns become one learned score."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipeline.errors import InputError
from stages.filter import filter_csv, logistic
from tests.conftest import answered
from tests.stages.test_filter import all_for_training, pairs, read, write

COUNT = 10
BEST = "SkyScript_train_top{}pct_filtered_by_{}.csv"


@pytest.fixture
def captions(tmp_path):
    """Ten pairs, a0 to a9; a9 has the best score."""
    return write(tmp_path / "in.csv", pairs(COUNT, lambda number: number / 10))


def paths(numbers):
    return [f"images2/a{number}_US_20.jpg" for number in numbers]


def kept(folder, name, percent=30):
    return [row["filepath"] for row in read(folder / BEST.format(percent, name))]


def test_a_column_of_a_csv_ranks_the_pairs_and_is_copied_as_it_stands(tmp_path, captions):
    rows = [[path, f"{-n}.50", "unused"] for n, path in enumerate(paths(range(COUNT)))]
    scores = write(tmp_path / "judge.csv", rows[::-1], ["filepath", "judge", "remark"])
    config = all_for_training(join=(scores,), by=("judge",), top=(30,))
    filter_csv(captions, tmp_path / "out", config)
    assert kept(tmp_path / "out", "judge") == paths([0, 1, 2])
    found = read(tmp_path / "out" / BEST.format(30, "judge"))
    assert [row["judge"] for row in found] == ["0.50", "-1.50", "-2.50"]
    assert "remark" not in found[0]


@pytest.mark.slow
def test_parquet_joins_by_path_and_a_table_of_a_run_by_object(tmp_path, captions):
    half = pa.array([0.5 * n for n in range(COUNT)][::-1], pa.float32())
    pq.write_table(pa.table({"filepath": paths(range(COUNT)), "rs": half}), tmp_path / "rs.parquet")
    (tmp_path / "match").mkdir()
    for part in range(2):
        numbers = range(part * 5, part * 5 + 5)
        table = {"object_id": [f"a{n}" for n in numbers], "fit": [n % 4 for n in numbers]}
        pq.write_table(pa.table(table), tmp_path / "match" / f"part-{part}.parquet")
    join = (tmp_path / "rs.parquet", tmp_path / "match")
    filter_csv(captions, tmp_path / "a", all_for_training(join=join, by=("rs", "fit"), top=(30,)))
    assert kept(tmp_path / "a", "rs+fit") == paths([1, 2, 3])  # sums of ranks 13, 15 and 16
    filter_csv(captions, tmp_path / "b", all_for_training(join=join[:1], by=("rs",), top=(30,)))
    assert kept(tmp_path / "b", "rs") == paths([0, 1, 2])
    filter_csv(captions, tmp_path / "c", all_for_training(join=join[1:], by=("fit",), top=(20,)))
    assert kept(tmp_path / "c", "fit", 20) == paths([3, 7])


def test_a_pair_that_the_file_does_not_name_has_no_score(tmp_path, captions):
    scores = write(tmp_path / "j.csv", [[path, 1] for path in paths([2, 5])], ["filepath", "judge"])
    config = all_for_training(join=(scores,), by=("judge",), top=(100,))
    done = filter_csv(captions, tmp_path / "out", config)
    assert kept(tmp_path / "out", "judge", 100) == paths([2, 5])
    assert done.sides == {"train": 2, "train, without a score": 8}


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("j.csv", b"path,judge\na,1\n", "has no column 'filepath'"),
        ("j.csv", b"filepath,judge\nx.jpg,1\n", "has no row for any pair of .*in.csv"),
        ("j.csv", b"filepath,other\nx.jpg,1\n", "none of its columns .* is used; name one"),
        ("j.csv", b"filepath,judge\nx.jpg,1\nx.jpg,2\n", "names 'x.jpg' twice"),
        ("j.csv", b"filepath,judge\nx.jpg,good\n", "\"judge\" of 'x.jpg' is 'good', not a number"),
        ("j.csv", b'filepath,judge\nx.jpg,"1\n', "line 2 opens a quote"),
        ("j.csv", b"filepath,judge\nx.jpg,1,2\n", "line 2 has 3 fields, the header 2"),
        ("j.csv", b"filepath,judge\n\xff,1\n", "line 2 is not text in UTF-8"),
        ("j.parquet", b"PAR1, but no more", "is neither a .csv file nor Parquet"),
        ("j.csv", None, "there is no such file"),
        ("j.parquet", None, "is neither a .csv file nor Parquet"),
    ],
)
def test_a_file_that_cannot_be_joined_is_named(tmp_path, captions, name, data, says):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    config = all_for_training(join=(tmp_path / name,), by=("judge",))
    with pytest.raises(InputError, match=rf"{re.escape(name)}: .*{says}|{re.escape(name)}: {says}"):
        filter_csv(captions, tmp_path / "out", config)
    assert not list(tmp_path.glob("out/*.csv"))


def test_parquet_without_a_key_or_with_a_nested_column_is_named(tmp_path, captions):
    for table, says in (
        ({"image": ["a"], "judge": [1]}, "has no column 'filepath' or 'object_id' to join by"),
        ({"filepath": ["a"], "judge": [[1]]}, "cannot be read as Parquet with the columns"),
    ):
        pq.write_table(pa.table(table), tmp_path / "j.parquet")
        config = all_for_training(join=(tmp_path / "j.parquet",), by=("judge",))
        with pytest.raises(InputError, match=says):
            filter_csv(captions, tmp_path / "out", config)


@pytest.mark.parametrize("column", ["similarity_CLIP_openai", "Similarity_clip_openai"])
def test_a_column_in_two_files_is_ambiguous(tmp_path, captions, column):
    same = write(tmp_path / "j.csv", [[paths([1])[0], 1]], ["filepath", column])
    config = all_for_training(join=(same,), by=(column,))
    with pytest.raises(InputError, match=rf"'{column}' is also in .*in\.csv"):
        filter_csv(captions, tmp_path / "out", config)


@pytest.mark.slow
def test_the_command_joins_a_file(tmp_path, captions):
    rows = [[path, -n] for n, path in enumerate(paths(range(COUNT)))]
    scores = write(tmp_path / "j.csv", rows, ["filepath", "vlm"])
    options = ["--join", scores, "--by", "vlm", "--split", "random", "--top", "20"]
    options += ["--test-rows", "0", "--val-rows", "0"]
    done = answered("filter", "--captions", captions, "--out", tmp_path / "out", *options)
    assert done.returncode == 0, done.stderr
    assert kept(tmp_path / "out", "vlm", 20) == paths([0, 1])


def sample(count, seed=0):
    """Two columns that tell good from bad pairs by their sum only, and the truth."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 2, count)
    noise = draw.normal(0, 3, count)
    return np.column_stack([truth + noise, 100 - 50 * noise + draw.normal(0, 20, count)]), truth


def test_the_fit_is_that_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    values, truth = sample(400)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    theirs = linear_model.LogisticRegression(tol=1e-10, max_iter=1000).fit(values, truth)
    ours = logistic.fit(values, truth)
    np.testing.assert_allclose(ours.coefficients, theirs.coef_[0], rtol=1e-5)
    np.testing.assert_allclose(ours.intercept, theirs.intercept_[0], rtol=1e-4, atol=1e-6)


def test_columns_that_separate_the_labels_or_never_vary_are_fitted():
    truth = np.arange(40) % 2
    model = logistic.fit(np.column_stack([truth * 1e6, np.ones(40)]), truth)
    assert np.isfinite(model.coefficients).all()
    assert model.coefficients[1] == 0
    assert ((model.logits(np.column_stack([truth * 1e6, np.ones(40)])) > 0) == (truth == 1)).all()


@pytest.mark.parametrize(
    ("scores", "labels", "area"),
    [([1, 2, 3, 4], [0, 0, 1, 1], 1), ([1, 2, 3, 4], [1, 0, 1, 0], 0.25), ([1, 1], [0, 1], 0.5)],
)
def test_the_area_under_the_curve_counts_the_pairs_in_the_right_order(scores, labels, area):
    assert logistic.area_under_curve(np.array(scores), np.array(labels)) == area


@pytest.fixture
def judged(tmp_path):
    """600 pairs with two weak scores, of which the first 200 are labelled."""
    values, truth = sample(600)
    rows = [
        [f"images2/a{n}_US_20.jpg", f"a satellite image of {n}", *values[n]] for n in range(600)
    ]
    header = ["filepath", "title", "similarity_A", "similarity_B"]
    labels = [[row[0], truth[n]] for n, row in enumerate(rows[:200])]
    write(tmp_path / "labels.csv", labels, ["filepath", "label"])
    return write(tmp_path / "in.csv", rows, header), truth


def learned(tmp_path, **options):
    return all_for_training(
        by=("similarity_A", "similarity_B"),
        combine="learned",
        labels=tmp_path / "labels.csv",
        **options,
    )


def test_a_learned_mix_beats_each_column_also_on_pairs_without_a_label(tmp_path, judged):
    source, truth = judged
    done = filter_csv(source, tmp_path / "out", learned(tmp_path, top=(20,), name="mix"))
    found = [int(path.split("/a")[1].split("_")[0]) for path in kept(tmp_path / "out", "mix", 20)]
    unseen = [number for number in found if number >= 200]
    assert 65 < len(unseen) < 95  # two thirds of 120, as of all pairs: no label lifts its pair
    assert truth[unseen].mean() > 0.8
    assert (
        done.mix.area["mix"]
        > 0.8
        > 0.7
        > max(done.mix.area["similarity_A"], done.mix.area["similarity_B"])
    )
    report = json.loads((tmp_path / "out" / "filter_report.json").read_text())["mix"]
    assert report["coefficients"] == done.mix.coefficients
    assert sum(part["pairs"] for part in report["calibration"]) == 200
    assert report["labelled"] == {"0": int(200 - truth[:200].sum()), "1": int(truth[:200].sum())}
    assert report["calibration"][0]["observed"] < 0.3
    assert report["calibration"][-1]["observed"] > 0.7


def test_a_labelled_pair_is_scored_by_a_model_that_did_not_see_it():
    values, truth = sample(600)
    folds = np.arange(200) % 5
    _, logits = logistic.cross_fit(values[:200], truth[:200], folds)
    flipped = truth[:200].copy()
    flipped[0] = 1 - flipped[0]
    _, again = logistic.cross_fit(values[:200], flipped, folds)
    assert logits[0] == again[0]
    assert (logits[folds != folds[0]] != again[folds != folds[0]]).all()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("filepath,label\nx,2\n", "line 2: the label is '2'; write 1 for a good pair and 0"),
        ("filepath,label\nx,1\nx,0\n", "line 3: 'x' is labelled twice"),
        ("filepath,good\nx,1\n", "has no column 'label'"),
        ("filepath,label\nx,1\n", "labels 0 good and 0 bad pairs that have all scores"),
    ],
)
def test_labels_that_cannot_be_used_are_named(tmp_path, judged, text, says):
    source, _ = judged
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=rf"labels\.csv: {says}"):
        filter_csv(source, tmp_path / "out", learned(tmp_path))


def test_a_learned_mix_needs_labels_and_labels_a_learned_mix(tmp_path):
    for options in ({"combine": "learned"}, {"labels": tmp_path / "labels.csv"}):
        with pytest.raises(ValidationError, match="combine: learned needs labels"):
            all_for_training(**options)


def test_a_side_of_the_box_is_no_score(tmp_path):
    rows = [["images2/a1_US_20.jpg", "a satellite image of a pole", 0.5, 7.1, 47.1, 7.2, 47.2]]
    header = ["filepath", "title", "similarity_A", "west", "south", "east", "north"]
    source = write(tmp_path / "in.csv", rows, header)
    with pytest.raises(InputError, match="`by` names 'west', a side of the box, which is no score"):
        filter_csv(source, tmp_path, all_for_training(by=("west",)))
