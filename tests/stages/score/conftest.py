"""A run of the demo, shared by all tests of scoring."""

import pytest

from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.runner import run
from stages import PIPELINE


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The demo's own tiles: the tiny CLIP was trained on others, of the same town."""
    root = tmp_path_factory.mktemp("demo")
    small = ["sample.max_objects=150", "sample.shard_rows=64", "runner.executor=serial"]
    run(PIPELINE, load_config(TOY, PIPELINE, small), root, lambda event: None)
    return root
