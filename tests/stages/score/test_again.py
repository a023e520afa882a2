"""Scoring once more: what is computed already is taken up, what changed is noticed."""

import os
import shutil
import signal
import subprocess
import time

import pytest

pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from tests.conftest import COMMAND, content_of, skyscript
from tests.stages.score.runs import TINY, captions_of, draw_images, ran, read, score, write

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


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


def test_a_second_model_adds_its_column_beside_the_first(demo, tmp_path):
    score(captions_of(demo), demo, tmp_path)
    first = tmp_path / "SkyScript_train_unfiltered_scored_by_tiny.csv"
    score(first, demo, tmp_path, block=TINY | {"name": "other"})
    both = read(tmp_path / f"{first.stem}_scored_by_other.csv")
    assert [row["similarity_tiny"] for row in both] == [row["similarity_other"] for row in both]
    assert first.exists()


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
