"""The filter of a run: its tables joined, ranked by the match and dropped by dates."""

import csv

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from stages import tables
from stages.filter import FILTER, FilterConfig
from stages.train.config import TrainConfig
from stages.train.pairs import csv_pairs

NAMES = [f"images2/a{number}_CH_19.jpg" for number in range(10)]


@pytest.fixture
def run_filter(tmp_path):
    """Run the stage on ten pairs, whose match rises and whose similarity falls with the number."""
    rows = {name: [] for name in ("captions", "images", "scores", "normalised", "match")}
    for number, filepath in enumerate(NAMES):
        of = {"object_id": f"a{number}", "status": "ok"}
        west = 7 + number / 10
        box = {"west": west, "south": 47.0, "east": west + 0.001, "north": 47.001}
        score = {"scorer": "CLIP_x", "similarity": 0.9 - number / 20, "vectors": "x"}
        rows["captions"].append(
            of | {"filepath": filepath, "title": "a satellite image of a house"}
        )
        rows["images"].append(of | {"filepath": filepath, "source": "CH"} | box)
        rows["scores"].append(of | {"filepath": filepath} | score)
        rows["normalised"].append({"object_id": f"a{number}", "scorer": "CLIP_x"})
        gap = {"date_gap_days": 100 * number, "built_gap_days": 1 if number == 1 else None}
        rows["match"].append(of | {"match": None if number == 9 else number / 10} | gap)

    def run(change=lambda row: row, contents=(), **options):
        rows["captions"] = [change(row) for row in rows["captions"]]
        for row, key in zip(rows["scores"], contents, strict=False):
            row["content_hash"] = key.hex()
        config = FilterConfig(split="random", test_rows=0, val_rows=0, top=(20,), **options)
        datasets = {
            table.name: ds.dataset(pa.Table.from_pylist(rows[table.name], table.schema))
            for table in FILTER.reads
        }
        list(FILTER.run(**datasets, config=config, root=tmp_path))
        (out,) = tmp_path.glob("SkyScript_train_top20pct_filtered_by_*.csv")
        with out.open(newline="") as file:
            return out.stem.rsplit("_by_")[1], [row["filepath"] for row in csv.DictReader(file)]

    return run


def test_a_run_is_ranked_by_the_similarity_unless_asked(run_filter):
    assert run_filter() == ("CLIP_x", NAMES[:2])


def test_a_run_can_be_ranked_by_the_match_and_pairs_without_one_are_not_kept(run_filter):
    assert tables.MATCH in FILTER.reads
    assert run_filter(by=("match",)) == ("match", [NAMES[8]])


def test_two_columns_are_combined(run_filter):
    name, kept = run_filter(by=("similarity_CLIP_x", "match"), combine="agreement")
    assert name == "CLIP_x+match"
    assert kept == [NAMES[4]]


def test_pairs_whose_object_is_later_than_the_image_are_dropped(run_filter):
    _, kept = run_filter(max_days_after=500)
    assert kept == [NAMES[0]]  # of five pairs: 0, 2, 3, 4, 5


def test_short_and_long_captions_stand_behind_the_published_columns(run_filter, tmp_path):
    def compose(row):
        long = None if row["object_id"] == "a0" else f"long of {row['object_id']}"
        return row | {"title_short": f"short of {row['object_id']}", "title_long": long}

    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    run_filter(compose)
    (out,) = tmp_path.glob("SkyScript_train_top20pct_filtered_by_*.csv")
    rows = list(csv.reader(out.read_text().splitlines()))
    published = ["filepath", "title", "title_multi_objects", "similarity_CLIP_x"]
    assert rows[0] == [*published, "title_short", "title_long"]
    assert [row[-2:] for row in rows[1:]] == [["short of a0", ""], ["short of a1", "long of a1"]]
    for column, texts in (
        ("title_short", ["short of a0", "short of a1"]),
        ("title_long", ["long of a1"]),  # a pair without one is left out
        ("title", ["a satellite image of a house"]),
    ):
        config = TrainConfig(train_data=out, csv_caption_key=column, root_data_dir=tmp_path)
        pairs = csv_pairs(out, config)
        assert pairs.captions.to_pylist() == texts
    wrong = TrainConfig(train_data=out, csv_caption_key="title_shrt")
    with pytest.raises(
        InputError, match=r"has no column 'title_shrt'.*'title_short', 'title_long'"
    ):
        csv_pairs(out, wrong)


def test_without_them_the_columns_are_as_published(run_filter, tmp_path):
    run_filter()
    (out,) = tmp_path.glob("SkyScript_train_top20pct_filtered_by_*.csv")
    header = out.read_text().splitlines()[0]
    assert header == "filepath,title,title_multi_objects,similarity_CLIP_x"
