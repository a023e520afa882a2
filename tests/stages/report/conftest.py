"""A run of the embedded town with its report."""

from pathlib import Path

import pytest

from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.runner import run
from stages import PIPELINE


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a run of the town: 150 objects, with statements."""
    root = tmp_path_factory.mktemp("town")
    options = ["sample.max_objects=150", "sample.shard_rows=64", "runner.executor=serial"]
    options += ["statements.kinds=[count,cover,ask_count,not_count]"]
    run(PIPELINE, load_config(TOY, PIPELINE, options), root, lambda event: None)
    return root
