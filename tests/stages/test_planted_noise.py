"""On a run with planted faults, the learned mix finds more of them than any single column."""

import pytest
import yaml

from tests.conftest import skyscript
from tests.stages.planted_noise import KINDS, SCORES, experiment

pytest.importorskip("open_clip")


@pytest.mark.slow
def test_the_learned_mix_finds_more_faults_than_the_best_column(tmp_path):
    root = tmp_path / "demo"
    chosen = ["--set", "sample.max_objects=240", "--set", "score.model=none"]
    done = skyscript("demo", "--out", root, "--executor", "serial", *chosen)
    assert done.returncode == 0, done.stderr
    by_kind, mix, left = experiment(root, tmp_path / "noise")
    alone = {name: area for name, area in mix.items() if name != "mix"}
    assert mix["mix"] > max(alone.values()) + 0.02
    assert left < 0.25  # of 40 %
    # Each kind of fault is found by a column of another nature.
    best = {kind: max(by_kind[kind], key=by_kind[kind].get) for kind in KINDS}
    assert best["wrong tag"] in SCORES
    assert best["swapped pair"] in SCORES
    assert best["shifted image"] in {"match", "match_confidence"}
    assert best["cloud"] == "clear"
    assert best["blank"] == "filled"


@pytest.mark.slow
def test_on_photographs_that_the_clip_has_never_seen_it_does_so_too(shared_data, tmp_path):
    """The tiny CLIP knows simulated tiles only: the figures of pixels and map do the work."""
    place = shared_data / "pairs" / "banepa"
    source = {"backend": "folder", "path": str(place), "pattern": "imagery.tif", "acquired": 2022}
    blocks = {"extract": {"path": str(place / "osm.pbf")}, "sources": {"ORT": source}}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({**blocks, "sample": {"max_objects": 500}}))
    done = skyscript(
        "run", tmp_path / "run.yaml", "--out", tmp_path / "run", "--executor", "serial"
    )
    assert done.returncode == 0, done.stderr
    by_kind, mix, _ = experiment(tmp_path / "run", tmp_path / "noise")
    alone = {name: area for name, area in mix.items() if name != "mix"}
    assert mix["mix"] > max(alone.values())
    assert max(by_kind["shifted image"], key=by_kind["shifted image"].get).startswith("match")
    assert by_kind["cloud"]["clear"] > 0.95
    assert by_kind["blank"]["filled"] > 0.95
