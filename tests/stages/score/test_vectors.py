"""The stored vectors of a run depend on its parts only: not on workers, nor on their order."""

import shutil

import pytest

pytest.importorskip("open_clip")

from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.runner import run
from skyscript.clip.vectors.store import count_vectors
from stages import PIPELINE
from tests.conftest import content_of

pytestmark = pytest.mark.slow


def settings(*overrides):
    small = ["sample.max_objects=80", "sample.shard_rows=16", "score.model=tiny"]
    runner = ["runner.executor=serial"]
    return load_config(TOY, PIPELINE, [*small, *runner, "score.phrases=true", *overrides])


@pytest.fixture(scope="module")
def captioned(tmp_path_factory):
    """Give a run with captions, without scores."""
    root = tmp_path_factory.mktemp("captioned") / "run"
    before = [stage.name for stage in PIPELINE]
    run(PIPELINE, settings(), root, lambda _: None, only=before[: before.index("score")])
    return root


def scored(captioned, root, *overrides, ranges=(None,)):
    """Give the content of a copy of the run after it was scored, and its numbers of vectors."""
    shutil.copytree(captioned, root)
    for shards in ranges:
        config = settings(*overrides)
        run(PIPELINE, config, root, lambda _: None, only=["score"], shards=shards)
    return content_of(root), count_vectors(root)


def test_the_whole_folder_is_the_same_for_any_workers_and_any_order(captioned, tmp_path):
    expected, counts = scored(captioned, tmp_path / "serial")
    texts = [name for name in expected if "/texts/" in name]
    assert len(texts) == len({*texts}) >= 4
    assert counts.texts > counts.images > 40
    two = ["runner.executor=processes", "runner.workers=2"]
    assert scored(captioned, tmp_path / "two", *two) == (expected, counts)
    backwards = [range(first, first + 1) for first in range(9, -1, -1)]
    found = scored(captioned, tmp_path / "backwards", ranges=[*backwards, None])
    assert found == (expected, counts)
