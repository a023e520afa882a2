"""`skyscript train-filter` on the town: it trains, scores and compares, and does so once."""

import csv
import json

import pytest

from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.run import Run
from pipeline.runner import run
from skyscript.clip.source import clip_installed
from stages import PIPELINE
from tests.conftest import assert_close, content_of, skyscript

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not clip_installed(), reason="the extra `clip` is not installed"),
]
PAIRS = 60
CLIP = ["score.model=tiny", "score.name=tiny", "score.threads=1", "filter.test_rows=5"]
OPTIONS = ("--batch-size", 8, "--workers", 0, "--threads", 1, "--epochs", 2, "--top", 20, 50)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    root = tmp_path_factory.mktemp("town") / "run"
    options = [f"sample.max_objects={PAIRS}", "sample.shard_rows=25", "runner.executor=serial"]
    config = load_config(TOY, PIPELINE, [*options, *CLIP, "filter.val_rows=5", "density.cell=0.1"])
    run(PIPELINE, config, root, lambda event: None)
    return root


@pytest.fixture(scope="module")
def pairs(town):
    rows = Run(town).table("pairs").to_table().to_pylist()
    return {row["filepath"]: row for row in rows}


@pytest.fixture(scope="module")
def verdicts(town, pairs):
    path = town.parent / "verdicts.csv"
    words = ("right", "wrong", "unsure", "right", "")
    with path.open("w", newline="") as file:
        write = csv.writer(file).writerow
        write(("filepath", "statement", "verdict", "why"))
        for number, one in enumerate(pairs.values()):
            write((one["filepath"], one["title"], words[number % 5], ""))
    return path


@pytest.fixture(scope="module")
def made(town, verdicts):
    out = town.parent / "filter"
    done = skyscript("train-filter", town, "--out", out, "--verdicts", verdicts, *OPTIONS)
    assert done.returncode == 0, done.stderr
    return out


def read(path):
    with path.open(newline="") as file:
        return {row["filepath"]: row for row in csv.DictReader(file)}


def test_only_clear_matched_shown_pairs_without_objection_are_trained_on(
    town, pairs, verdicts, made
):
    judged = {path: row["verdict"] for path, row in read(verdicts).items()}
    truth = Run(town).table("truth").to_table().to_pylist()
    hidden = {row["filepath"] for row in truth if row["focus"] and row["verdict"] != "yes"}
    known = sorted(row["match_confidence"] for row in pairs.values() if row["match_confidence"])
    least = json.loads((made / "trust.json").read_text())["match_at_least"]
    assert sum(value < least for value in known) == int(0.3 * len(known))
    expected = {
        path
        for path, row in pairs.items()
        if judged[path] not in {"wrong", "unsure"}
        and path not in hidden
        and (row["match_confidence"] or 0) >= least
        and row["cloud_share"] <= 0.1
        and row["blank_share"] <= 0.01
        and row["haze"] <= 0.2
        and row["sharpness"] >= 0.15
    }
    trusted = read(made / "trusted.csv")
    assert trusted.keys() == expected
    assert 10 < len(trusted) < len(pairs)
    assert all(row["title"] == pairs[path]["title"] for path, row in trusted.items())
    counts = json.loads((made / "trust.json").read_text())
    assert counts["trusted"] + sum(counts["reasons"].values()) == counts["pairs"] == len(pairs)


def test_the_model_has_learned_and_scores_every_pair(pairs, made):
    steps = [json.loads(line) for line in (made / "filter_clip/progress.jsonl").open()]
    assert steps[-1]["step"] == 2 * (len(read(made / "trusted.csv")) // 8)
    scored = read(made / "scored/pairs_scored_by_CLIP_filter.csv")
    assert scored.keys() == pairs.keys()
    new = [float(scored[path]["similarity_CLIP_filter"]) for path in pairs]
    old = [row["similarity"] for row in pairs.values()]
    assert max(abs(a - b) for a, b in zip(new, old, strict=True)) > 1e-4


def test_the_comparison_has_the_figures_of_each_cut(pairs, verdicts, made):
    scored = read(made / "scored/pairs_scored_by_CLIP_filter.csv")
    trusted, judged = read(made / "trusted.csv"), read(verdicts)
    scores = {
        "CLIP_filter": {path: float(row["similarity_CLIP_filter"]) for path, row in scored.items()},
        "tiny of the run": {path: row["similarity"] for path, row in pairs.items()},
    }
    found = json.loads((made / "comparison.json").read_text())
    assert (found["pairs"], found["unscored"]) == (len(pairs), 0)
    cuts = {(cut["top"], cut["by"]): cut for cut in found["cuts"]}
    assert set(cuts) == {(top, by) for top in (20, 50) for by in (*scores, "random")}
    for top in (20, 50):
        best = {
            by: set(sorted(values, key=lambda path: (-values[path], path))[: top * 60 // 100])
            for by, values in scores.items()
        }
        for by, kept in best.items():
            cut = cuts[top, by]
            assert cut["rows"] == len(kept)
            assert_close(cut["overlap"], len(kept & best["tiny of the run"]) / len(kept))
            concepts = {pairs[path]["title"].split(" image of ")[1].split(", ")[0] for path in kept}
            assert cut["concepts"] == len(concepts)
            matches = [m for path in kept if (m := pairs[path]["match"]) is not None]
            assert_close(cut["match"], sum(matches) / len(matches))
            assert_close(cut["trusted"], len(kept & trusted.keys()) / len(kept))
            words = [judged[path]["verdict"] for path in kept]
            right, wrong = words.count("right"), words.count("wrong")
            assert cut["judged"] == right + wrong
            assert_close(cut["right"], right / (right + wrong))


def test_the_same_command_again_computes_nothing(town, verdicts, made):
    before, weights = content_of(made), made / "filter_clip/checkpoints/epoch_latest.pt"
    when = weights.stat().st_mtime_ns
    done = skyscript("train-filter", town, "--out", made, "--verdicts", verdicts, *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert content_of(made) == before
    assert weights.stat().st_mtime_ns == when
    assert done.stderr.count("already done") + done.stdout.count("already done") == 4
    assert "stored now: 0 of images, 0 of texts" in done.stdout + done.stderr


def test_filter_cuts_by_the_new_scores(made):
    out = made.parent / "filtered"
    done = skyscript(
        *("filter", "--captions", made / "scored/pairs_scored_by_CLIP_filter.csv", "--out", out),
        *("--block", 0.01, "--test-rows", 5, "--val-rows", 5, "--top", 50),
    )
    assert done.returncode == 0, done.stderr
    assert (out / "SkyScript_train_top50pct_filtered_by_CLIP_filter.csv").is_file()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--lr", 1e-4), "belongs to a training with other lr; give this training another --name"),
        (("--set", "score.name=x"), "score.name: train-filter sets it"),
    ],
)
def test_a_mistake_is_one_sentence(town, verdicts, made, options, sentence):
    before = content_of(made)
    words = [*OPTIONS, *options]
    done = skyscript("train-filter", town, "--out", made, "--verdicts", verdicts, *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert content_of(made) == before
