"""Scoring captions files from outside with the tiny CLIP."""

import os

import numpy as np
import pytest

pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

import pyarrow.dataset as ds

from pipeline.errors import InputError
from skyscript.files.phrases import split_neighbours
from stages.filter import FilterConfig, filter_csv
from tests.conftest import assert_close
from tests.stages.score.runs import TINY, captions_of, draw_images, ran, read, score, write

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


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
