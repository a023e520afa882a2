"""Vectors of the tiny CLIP find images that look alike, and are computed only once."""

import pytest

from stages.leakage import Benchmark, LeakageConfig, leakage
from tests.stages.leakage.test_job import run_of
from tests.stages.leakage.villages import COPIES, jpeg, village

pytest.importorskip("open_clip")
pytestmark = pytest.mark.slow


def test_similar_vectors_are_pairs_that_are_not_left_out(tmp_path):
    images = run_of(tmp_path / "run", [jpeg(village(number), 90) for number in range(3)])
    bench = tmp_path / "bench"
    bench.mkdir()
    (bench / "bright.jpg").write_bytes(COPIES["recompressed at quality 30"](village(1), None))
    config = LeakageConfig(model="tiny", pretrained=None, device="cpu", similarity=0.95)
    given = [Benchmark("bench", bench)]

    def find():
        done = leakage(tmp_path / "run", images, given, tmp_path / "out", config, lambda _: None)
        return done.figures["benchmarks"]["bench"]["pairs"]

    found = find()
    assert found["near"] == {"pairs": 1, "ours": 1, "theirs": 1}
    assert found["vector"]["theirs"] == 1
    assert found["vector"]["ours"] >= 1
    stored = sorted((tmp_path / "out" / "embeddings").rglob("*.arrow"))
    assert stored
    assert find() == found
    assert sorted((tmp_path / "out" / "embeddings").rglob("*.arrow")) == stored
