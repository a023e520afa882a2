"""A run of ours is scored and filtered; without the extra it leaves both out."""

import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.runner import run
from pipeline.stage import Shard
from skyscript.files.phrases import split_neighbours
from stages import PIPELINE, tables
from stages.score import SCORE
from stages.score.config import RunScoreConfig
from tests.conftest import COMMAND, skyscript
from tests.stages.report.made_run import value_of
from tests.stages.score.runs import TINY, captions_of, read

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


def test_neither_the_stages_nor_the_filter_need_torch_until_they_score():
    code = "import sys, stages.score, stages.filter; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_stage_of_a_run_passes_on_what_has_no_caption(demo, tmp_path):
    captions = ds.dataset(demo / "tables" / "captions").to_table()
    images = ds.dataset(demo / "tables" / "images").to_table()
    bad = captions.slice(0, 1).to_pylist()[0] | {
        "status": "filtered", "reason": "no tag to say", "filepath": None, "title": None
    }  # fmt: skip
    some = pa.concat_tables(
        [
            captions.slice(1, 3),
            pa.Table.from_pylist([bad], captions.schema),
            captions.slice(4, 3),
        ]
    )
    found = SCORE.run(some, images, config=RunScoreConfig(**TINY), shard=Shard(0, demo))
    assert found.schema == tables.SCORES.schema
    assert found["object_id"].equals(some["object_id"])
    assert found["status"].to_pylist() == some["status"].to_pylist()
    assert found["reason"].to_pylist()[3] == "no tag to say"
    assert found["similarity"].null_count == some["status"].to_pylist().count("filtered")
    empty = SCORE.run(
        some.slice(0, 0), images.slice(0, 0), config=RunScoreConfig(**TINY), shard=Shard(0, demo)
    )
    assert empty.schema == tables.SCORES.schema
    assert len(empty) == 0


@pytest.fixture(scope="module")
def filtered(demo):
    """The same run with a model named in its config."""
    options = ["sample.max_objects=150", "sample.shard_rows=64", "runner.executor=serial"]
    options += [f"score.{name}={value}" for name, value in TINY.items()]
    options += ["score.phrases=true", "filter.lowest_phrases=20"]
    options += ["score.name=CLIP_openai"]  # the name that TorchGeo's reader looks for
    run(PIPELINE, load_config(TOY, PIPELINE, options), demo, lambda event: None)
    return demo


def test_a_run_is_scored_and_filtered_into_the_published_files(filtered):
    names = {path.name for path in filtered.glob("SkyScript_*_filtered_by_*.csv")}
    assert names == {
        "SkyScript_train_top20pct_filtered_by_CLIP_openai.csv",
        "SkyScript_train_top30pct_filtered_by_CLIP_openai.csv",
        "SkyScript_train_top50pct_filtered_by_CLIP_openai.csv",
        "SkyScript_val_5K_filtered_by_CLIP_openai.csv",
        "SkyScript_test_30K_filtered_by_CLIP_openai.csv",
    }
    scores = ds.dataset(filtered / "tables" / "scores").to_table().to_pylist()
    by_path = {row["filepath"]: row["similarity"] for row in scores if row["filepath"]}
    best = read(filtered / "SkyScript_train_top30pct_filtered_by_CLIP_openai.csv")
    assert list(best[0]) == [
        "filepath", "title", "title_multi_objects", "similarity_CLIP_openai"
    ]  # fmt: skip
    for row in best:
        assert np.float32(row["similarity_CLIP_openai"]) == np.float32(by_path[row["filepath"]])


def test_the_phrases_that_score_lowest_are_dropped_from_all_files(filtered):
    report = json.loads((filtered / "filter_report.json").read_text())["phrases"]
    assert 0.19 < report["dropped"] / report["phrases"] <= 0.2
    before = {row["filepath"]: row["title_multi_objects"] for row in read(captions_of(filtered))}
    rows = [row for path in filtered.glob("*_filtered_by_*.csv") for row in read(path)]
    changed = {r["filepath"] for r in rows if r["title_multi_objects"] != before[r["filepath"]]}
    assert 0 < len(changed) <= report["captions"]
    for row in rows:
        left = split_neighbours(row["title_multi_objects"])
        assert set(left) <= set(split_neighbours(before[row["filepath"]]))
    assert (
        f"{report['dropped']:,} of {report['phrases']:,} phrases"
        in (filtered / "report" / "index.html").read_text()
    )


def test_the_report_shows_scores_and_what_each_file_kept(filtered):
    page = (filtered / "report" / "index.html").read_text()
    scores = ds.dataset(filtered / "tables" / "scores").to_table().to_pylist()
    values = [row["similarity"] for row in scores if row["similarity"] is not None]
    assert f"{len(values):,} pairs, each the cosine" in page
    charts = value_of(filtered / "report" / "data" / "overview.js")["charts"]
    cuts = Counter()
    for one in charts["similarity-cuts"]["data"]["values"]:
        cuts[one["series"]] += one["pairs"]
    kept = page.split('<section id="filter">')[1]
    report = json.loads((filtered / "filter_report.json").read_text())
    for file in report["files"]:
        assert f"<tr><th>{file['file']}</th><td>{file['rows']:,}</td>" in kept
        assert cuts[file["file"]] == file["rows"]
    assert cuts["all pairs"] == len(values)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_torchgeo_reads_every_filtered_pair(filtered, split):
    datasets = pytest.importorskip("torchgeo.datasets")
    dataset = datasets.SkyScript(filtered, split=split)
    rows = read(filtered / datasets.SkyScript.caption_files[split])
    assert len(dataset) == len(rows) > 0
    for index, row in enumerate(rows):
        sample = dataset[index]
        assert sample["caption"] == row["title"]
        assert sample["image"].shape[0] == 3


def test_open_clip_reads_every_filtered_pair(filtered, monkeypatch):
    import open_clip

    data = pytest.importorskip("open_clip_train.data")
    monkeypatch.chdir(filtered)  # its paths start at the working directory
    name = "SkyScript_train_top30pct_filtered_by_CLIP_openai.csv"
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    dataset = data.CsvDataset(
        name, lambda image: image.size, "filepath", "title", sep=",", tokenizer=tokenizer
    )
    assert len(dataset) == len(read(filtered / name))
    assert all(min(size) >= 100 and tokens[0] == 49406 for size, tokens in dataset)


def test_a_run_without_the_extra_leaves_scoring_out_in_one_line(tmp_path):
    """As on a machine that has the core alone; and one that asks for a score says so at once."""
    code = "import sys; sys.modules |= dict.fromkeys(['torch', 'open_clip'])\n" + COMMAND[-1]
    small = ["--workers", "1", "--set", "sample.max_objects=8", "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", code, "demo", *small], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("left out: ")]
    (line,) = [line for line in said if line.startswith("left out: score, normalise, filter: ")]
    assert len(said) == 3  # the config asks for no statements, and the OSM file is small
    assert "pip install 'skyscript[clip]'" in line
    assert 'id="scores"' not in (tmp_path / "run" / "report" / "index.html").read_text()
    said = skyscript("status", tmp_path / "run").stdout
    assert said.count("left out") == 7
    asked = ["demo", *small, "--set", "score.model=tiny"]
    done = subprocess.run(
        [sys.executable, "-c", code, *asked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install 'skyscript[clip]'" in done.stderr.replace("\n", " ")


def test_without_the_extra_the_command_says_how_to_get_it(demo, tmp_path):
    """As on a machine that has the core alone: what is imported is not there."""
    code = "import sys; sys.modules |= dict.fromkeys(['torch', 'open_clip'])\n" + COMMAND[-1]
    options = ["--images", demo, "--captions", captions_of(demo), "--out", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-c", code, "score", *map(str, options), "--model", "tiny"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'skyscript[clip]'" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
