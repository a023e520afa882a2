"""Scoring with the tiny CLIP: runs of ours and captions files from outside."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

import pyarrow as pa
import pyarrow.dataset as ds
from PIL import Image

from pipeline.cli.run import TOY
from pipeline.config import config_of_command, load_config
from pipeline.errors import InputError, ItemsFailed
from pipeline.runner import run
from pipeline.stage import Shard
from skyscript.files.phrases import split_neighbours
from stages import PIPELINE, SCORE_JOB, tables
from stages.filter import FilterConfig, filter_csv
from stages.score import SCORE
from stages.score.config import RunScoreConfig
from tests.conftest import COMMAND, assert_close, content_of, skyscript

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

TINY = {"model": "tiny", "name": "tiny", "threads": 1}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's own tiles: the tiny CLIP was trained on others, of the same town."""
    root = tmp_path_factory.mktemp("demo")
    small = ["sample.max_objects=150", "sample.shard_rows=64", "runner.executor=serial"]
    run(PIPELINE, load_config(TOY, PIPELINE, small), root, lambda event: None)
    return root


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def score(captions, images, out, *overrides, block=TINY):
    """Run the job here; give what each stage said it did."""
    given = {"captions": captions, "images": images, "score": block}
    settings = config_of_command(
        given, SCORE_JOB, ["runner.executor=serial", "pairs.shard_rows=64", *overrides], "score"
    )
    events = []
    try:
        run(SCORE_JOB, settings, out, events.append)
    except ItemsFailed as error:
        return events, str(error)
    return events, ""


def ran(events):
    return {event.stage: event.ran for event in events if hasattr(event, "ran")}


def captions_of(demo):
    return demo / "SkyScript_train_unfiltered.csv"


def test_a_captions_file_gets_its_scores_as_columns(demo, tmp_path):
    events, failed = score(captions_of(demo), demo, tmp_path)
    assert not failed
    before = read(captions_of(demo))
    after = read(tmp_path / "SkyScript_train_unfiltered_scored_by_tiny.csv")
    kept = ["filepath", "title", "title_multi_objects"]
    assert list(after[0])[:5] == [*kept, "similarity_tiny", "similarity_tiny_multi_objects"]
    assert [{name: row[name] for name in kept} for row in after] == before
    values = np.array([float(row["similarity_tiny"]) for row in after])
    assert values.std() > 0.05
    assert ran(events) == {"pairs": 3, "score": 3, "normalise": 3, "scored": 1}
    again, _ = score(captions_of(demo), demo, tmp_path)
    assert ran(again) == {"pairs": 0, "score": 0, "normalise": 0, "scored": 0}


def auc(right, wrong):
    right, wrong = np.array(right)[:, None], np.array(wrong)[None, :]
    return float((right > wrong).mean() + (right == wrong).mean() / 2)


def test_right_captions_score_above_shuffled_ones_and_the_filter_removes_these(demo, tmp_path):
    rows = read(captions_of(demo))
    order = np.random.default_rng(0).permutation(len(rows))
    mixed = [
        {"filepath": row["filepath"], "title": title, "right": right}
        for row, other in zip(rows, (rows[i] for i in order), strict=True)
        for title, right in ((row["title"], "yes"), (other["title"], "no"))
        if right == "yes" or title != row["title"]
    ]
    score(write(tmp_path / "mixed.csv", mixed), demo, tmp_path / "out")
    out = tmp_path / "out" / "mixed_scored_by_tiny.csv"
    scores = {"yes": [], "no": []}
    for row in read(out):
        scores[row["right"]].append(float(row["similarity_tiny"]))
    found = auc(scores["yes"], scores["no"])
    filter_csv(out, tmp_path, FilterConfig(split="random", test_rows=0, val_rows=0))
    titles = {(row["filepath"], row["title"]) for row in mixed if row["right"] == "yes"}
    shares = []
    for percent in (20, 30, 50):
        kept = read(tmp_path / f"SkyScript_train_top{percent}pct_filtered_by_tiny.csv")
        shares.append(np.mean([(row["filepath"], row["title"]) in titles for row in kept]))
    print(f"AUC of right over shuffled captions: {found:.3f}; right among the kept: {shares}")  # noqa: T201
    assert found > 0.85
    assert min(shares[:2]) > 0.85  # the tiny CLIP was trained on captions of an earlier vocabulary


def test_a_score_against_partners_does_not_rank_captions(demo, tmp_path):
    """Its captions' means differ less, and right pairs still stand out."""
    rows = read(captions_of(demo))
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = [row | {"title": rows[i]["title"]} for row, i in zip(rows, order, strict=True)]
    parts = tmp_path / "parts"
    score(write(tmp_path / "in.csv", rows + shuffled), demo, parts, "pairs.shard_rows=50")
    scored = read(parts / "in_scored_by_tiny.csv")
    assert all(row["normalised_tiny"] for row in scored)

    def spread(column):
        values = np.array([float(row[column]) for row in scored[len(rows) :]])
        titles = [row["title"] for row in scored[len(rows) :]]
        means = [values[[t == title for t in titles]].mean() for title in sorted(set(titles))]
        return np.std(means) / values.std()

    def apart(column):
        values = [float(row[column]) for row in scored]
        return auc(values[: len(rows)], values[len(rows) :])

    assert spread("normalised_tiny") < spread("similarity_tiny")
    assert apart("normalised_tiny") > 0.85
    hot = "normalise.temperature=10"
    score(
        tmp_path / "in.csv", demo, parts, "pairs.shard_rows=50", hot
    )  # all partners count alike, not the nearest alone
    warm = read(parts / "in_scored_by_tiny.csv")
    for row, mild in zip(scored, warm, strict=True):
        assert float(mild["normalised_tiny"]) > float(row["normalised_tiny"])
    whole = tmp_path / "whole"
    score(tmp_path / "in.csv", demo, whole, "pairs.shard_rows=1000")  # another cut into parts
    again = read(whole / "in_scored_by_tiny.csv")
    values = [[float(row["normalised_tiny"]) for row in found] for found in (scored, again)]
    assert_close(*values, size=1)


def test_other_captions_of_the_same_images_cost_only_their_new_texts(demo, tmp_path, monkeypatch):
    from skyscript.clip.model import Clip

    computed = {"images": 0, "texts": []}

    def images(self, batches, precision, plain=Clip.encode_images):
        for vectors in plain(self, batches, precision):
            computed["images"] += len(vectors)
            yield vectors

    def texts(self, titles, precision, plain=Clip.encode_texts):
        computed["texts"] += list(titles)
        return plain(self, titles, precision)

    monkeypatch.setattr(Clip, "encode_images", images)
    monkeypatch.setattr(Clip, "encode_texts", texts)
    rows = read(captions_of(demo))
    score(captions_of(demo), demo, tmp_path)
    distinct = {row["title"] for row in rows} | {row["title_multi_objects"] for row in rows}
    assert computed["images"] == len({row["filepath"] for row in rows})
    assert sorted(computed["texts"]) == sorted(distinct)  # once a distinct text
    computed |= {"images": 0, "texts": []}
    half = write(
        tmp_path / "half.csv", [row | {"title": f"new {row['title']}"} for row in rows[::2]]
    )
    score(half, demo, tmp_path)
    assert computed["images"] == 0
    assert set(computed["texts"]) == {f"new {row['title']}" for row in rows[::2]}
    computed |= {"texts": []}
    score(write(tmp_path / "other.csv", rows[::3]), demo, tmp_path)
    assert computed == {"images": 0, "texts": []}


def test_each_phrase_is_scored_as_a_caption_alone(demo, tmp_path):
    rows = read(captions_of(demo))
    score(captions_of(demo), demo, tmp_path, block=TINY | {"phrases": True})
    scored = read(tmp_path / "SkyScript_train_unfiltered_scored_by_tiny.csv")
    phrases = [split_neighbours(row["title_multi_objects"]) for row in rows]
    apart = write(
        tmp_path / "apart.csv",
        [
            {"filepath": row["filepath"], "title": f"a satellite image of {phrase}"}
            for row, some in zip(rows, phrases, strict=True)
            for phrase in some
        ],
    )
    score(apart, demo, tmp_path / "apart")
    alone = [
        float(row["similarity_tiny"]) for row in read(tmp_path / "apart/apart_scored_by_tiny.csv")
    ]
    found = [float(text) for row in scored for text in row["phrases_tiny"].split(";") if text]
    assert len(found) > 200
    assert_close(found, alone, size=1)
    assert [len(row["phrases_tiny"].split(";")) for row in scored if row["phrases_tiny"]] == [
        len(some) for some in phrases if some
    ]


def test_a_second_model_adds_its_column_beside_the_first(demo, tmp_path):
    score(captions_of(demo), demo, tmp_path)
    first = tmp_path / "SkyScript_train_unfiltered_scored_by_tiny.csv"
    score(first, demo, tmp_path, block=TINY | {"name": "other"})
    both = read(tmp_path / f"{first.stem}_scored_by_other.csv")
    assert [row["similarity_tiny"] for row in both] == [row["similarity_other"] for row in both]
    assert first.exists()


def test_scores_do_not_depend_on_parts_workers_or_threads(demo, tmp_path):
    name = "SkyScript_train_unfiltered_scored_by_tiny.csv"
    score(captions_of(demo), demo, tmp_path / "one")
    score(captions_of(demo), demo, tmp_path / "parts", "pairs.shard_rows=17")
    score(captions_of(demo), demo, tmp_path / "threads", "score.threads=2")
    processes = ["runner.executor=processes", "runner.workers=2"]
    score(captions_of(demo), demo, tmp_path / "workers", *processes)
    files = [(tmp_path / f / name).read_bytes() for f in ("one", "parts", "threads", "workers")]
    assert len(set(files)) == 1


def test_images_that_cannot_be_used_are_named_and_the_others_scored(demo, tmp_path):
    rows = read(captions_of(demo))[:6]
    good = (demo / rows[0]["filepath"]).read_bytes()
    images = tmp_path / "images"
    (images / "images2").mkdir(parents=True)
    held = {"good": good, "empty": b"", "cut": good[:900], "text": b"no image", "gone": None}
    for name, data in held.items():
        if data is not None:
            (images / "images2" / f"{name}.jpg").write_bytes(data)
    paths = [*(f"images2/{name}.jpg" for name in held), "../images2/good.jpg"]
    given = [row | {"filepath": path} for row, path in zip(rows, paths, strict=True)]
    _, failed = score(write(tmp_path / "in.csv", given), images, tmp_path / "out")
    assert failed.count("rows failed") == 5
    out = read(tmp_path / "out" / "in_scored_by_tiny.csv")
    assert [bool(row["similarity_tiny"]) for row in out] == [True] + [False] * 5
    rejected = read(tmp_path / "out" / "in_scored_by_tiny.rejected.csv")
    assert [row["filepath"] for row in rejected] == paths[1:]
    assert rejected[0]["reason"] == "the image file is empty"
    assert rejected[3]["reason"] == "there is no such image"
    assert rejected[4]["reason"] == "its path may not be read"


def test_a_captions_file_may_begin_with_a_byte_order_mark(demo, tmp_path):
    path = write(tmp_path / "in.csv", read(captions_of(demo))[:2])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    _, failed = score(path, demo, tmp_path / "out")
    assert not failed
    scored = (tmp_path / "out" / "in_scored_by_tiny.csv").read_text()
    assert scored.startswith("filepath,title,title_multi_objects,similarity_tiny,")


def draw_images(folder, names, seed=0):
    """Write images of random pixels."""
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(seed)
    for name in names:
        pixels = draw.integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name, quality=95)


def test_other_images_under_the_same_names_are_noticed(tmp_path):
    names = [f"{number}.jpg" for number in range(4)]
    draw_images(tmp_path / "one", names)
    captions = write(tmp_path / "in.csv", [{"filepath": n, "title": "a road"} for n in names])
    out = tmp_path / "out"

    def scores(images):
        events, _ = score(captions, images, out, "pairs.shard_rows=2", block=TINY | {"check": 0})
        found = read(out / "in_scored_by_tiny.csv")
        return ran(events)["score"], [float(row["similarity_tiny"]) for row in found]

    made, first = scores(tmp_path / "one")
    assert made == 2
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    assert scores(tmp_path / "copy") == (0, first)
    draw_images(tmp_path / "two", names, seed=1)
    made, other = scores(tmp_path / "two")
    assert made == 2
    assert not set(first) & set(other)
    (tmp_path / "copy" / "3.jpg").write_bytes((tmp_path / "two" / "3.jpg").read_bytes())
    assert scores(tmp_path / "copy") == (2, [*first[:3], other[3]])
    (tmp_path / "copy" / "0.jpg").write_bytes((tmp_path / "two" / "0.jpg").read_bytes())
    assert scores(tmp_path / "copy") == (1, [other[0], *first[1:3], other[3]])


def test_captions_over_the_context_are_counted(tmp_path, caplog):
    draw_images(tmp_path / "images", ["0.jpg", "1.jpg"])
    neighbours = "; ".join(f"road of kind{n} with surface of asphalt" for n in range(12))
    rows = [
        {"filepath": "0.jpg", "title": "a road", "title_multi_objects": "a road"},
        {"filepath": "1.jpg", "title": "a dam", "title_multi_objects": f"a dam, near {neighbours}"},
    ]
    score(write(tmp_path / "in.csv", rows), tmp_path / "images", tmp_path / "out")
    assert caplog.messages == [
        "1 of 2 captions of all objects are longer than the model's context (77 tokens in CLIP): "
        "it does not see their end"
    ]
    found = ds.dataset(tmp_path / "out" / "tables" / "pair_scores").to_table()
    assert found["cut"].to_pylist() == [False, False]
    assert found["cut_multi_objects"].to_pylist() == [False, True]


def test_a_pipe_is_no_image_and_is_not_waited_for(tmp_path):
    from skyscript.clip.vectors.embed import read_below

    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(OSError, match=r"a\.jpg"):
        read_below(tmp_path)("a.jpg")


def test_a_self_check_that_fails_stops_the_part(demo, tmp_path, monkeypatch):
    from skyscript.clip.model import Clip

    def negatives(self, batches, precision, plain=Clip.encode_images):
        return plain(self, (255 - batch for batch in batches), precision)

    monkeypatch.setattr(Clip, "encode_images", negatives)
    events, failed = score(captions_of(demo), demo, tmp_path)
    errors = [event.error for event in events if hasattr(event, "error")]
    assert len(errors) == 3
    assert all("in the standard way" in error for error in errors)
    assert failed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("filepath\na.jpg\n", "has no column 'title'"),
        ("filepath,title\na.jpg\n", "line 2 has 1 fields, the header 2"),
        ("filepath,title\na.jpg,b,c\n", "line 2 has 3 fields, the header 2"),
        ("filepath,title,title\na.jpg,b,c\n", "has the column 'title' 2 times"),
        ("filepath,title\n", "contains no pairs below its header"),
        ("", "has no column 'filepath'"),
    ],
)
def test_a_broken_captions_file_is_named(tmp_path, text, says):
    path = tmp_path / "in.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        score(path, tmp_path, tmp_path / "out")


def test_a_killed_job_goes_on_where_it_was(demo, tmp_path):
    command = [
        *COMMAND, "score", "--images", demo, "--captions", captions_of(demo), "--model", "tiny",
        "--name", "tiny", "--set", "pairs.shard_rows=16", "--set", "score.threads=1", "--out",
    ]  # fmt: skip
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*map(str, command), str(whole)], check=True, capture_output=True)
    process = subprocess.Popen(
        [*map(str, command), str(killed)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    while len(list(killed.glob("tables/pair_scores/_receipts/*.json"))) < 3:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = len(list(killed.glob("tables/pair_scores/_receipts/*.json")))
    parts = len(list(whole.glob("tables/pair_scores/_receipts/*.json")))
    assert 3 <= done < parts
    again = subprocess.run([*map(str, command), str(killed)], check=True, capture_output=True)
    assert again.returncode == 0
    assert {n: b for n, b in content_of(killed).items() if not n.startswith("embeddings")} == {
        n: b for n, b in content_of(whole).items() if not n.startswith("embeddings")
    }


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


def test_the_report_shows_scores_both_ends_and_what_each_file_kept(filtered):
    page = (filtered / "report" / "index.html").read_text()
    scores = ds.dataset(filtered / "tables" / "scores").to_table().to_pylist()
    values = sorted(row["similarity"] for row in scores if row["similarity"] is not None)
    assert f"{len(values):,} pairs, each the cosine" in page
    ends = page.split('<section id="scores">')[1].split("</section>")[0]
    shown = [float(value) for value in re.findall(r"score (-?\d\.\d{3})", ends)]
    assert len(shown) == 12
    assert shown[0] == pytest.approx(values[-1], abs=6e-4)
    assert shown[6] == pytest.approx(values[0], abs=6e-4)
    assert shown[:6] == sorted(shown[:6], reverse=True)
    assert shown[6:] == sorted(shown[6:])
    kept = page.split('<section id="filter">')[1]
    report = json.loads((filtered / "filter_report.json").read_text())
    for file in report["files"]:
        assert f"<tr><th>{file['file']}</th><td>{file['rows']:,}</td>" in kept


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
    assert len(said) == 2  # the config asks for no statements either
    assert "pip install 'skyscript[clip]'" in line
    assert 'id="scores"' not in (tmp_path / "run" / "report" / "index.html").read_text()
    said = skyscript("status", tmp_path / "run").stdout
    assert said.count("left out") == 4
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


def test_an_image_that_was_mended_is_scored_with_retry(demo, tmp_path):
    row = read(captions_of(demo))[0]
    images = tmp_path / "images"
    path = images / row["filepath"]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    source = write(tmp_path / "in.csv", [row])
    given = ("--images", images, "--captions", source, "--model", "tiny", "--name", "tiny")
    command = ("score", *given, "--out", tmp_path / "out")
    failed = skyscript(*command)
    assert failed.returncode == 1
    assert "Try these again with --retry" in failed.stderr
    path.write_bytes((demo / row["filepath"]).read_bytes())
    mended = skyscript(*command, "--retry")
    assert mended.returncode == 0, mended.stderr
    assert read(tmp_path / "out" / "in_scored_by_tiny.csv")[0]["similarity_tiny"]
    assert not (tmp_path / "out" / "in_scored_by_tiny.rejected.csv").exists()
