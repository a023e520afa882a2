"""A run on Ray in a bucket gives the bytes of a run in one process on a disk."""

from pathlib import Path

import pytest

pytest.importorskip("ray", reason="needs the extra ray")

from pipeline.bucket import BucketPath
from pipeline.cli.run import TOY
from tests.buckets import content_in
from tests.conftest import content_of, skyscript
from tests.emulators.faults import Faults
from tests.emulators.storage import AFTER, Storage

OPTIONS = ["--set", "sample.max_objects=48", "--set", "sample.shard_rows=8"]


@pytest.mark.slow
def test_a_run_on_ray_in_a_bucket_has_the_bytes_of_one_on_disk(
    bucket: BucketPath, storage: Storage, tmp_path: Path
) -> None:
    done = skyscript("run", TOY, "--out", tmp_path / "run", "--executor", "serial", *OPTIONS)
    assert done.returncode == 0, done.stderr
    there = bucket / "run"
    storage.behave(Faults(share=0.02, kinds=("500", "503", "cut", AFTER), seed=3))
    on_ray = ["--executor", "ray", "--workers", "2"]
    done = skyscript("run", TOY, "--out", there, *on_ray, *OPTIONS)
    storage.behave(Faults())
    assert done.returncode == 0, done.stderr
    expected = content_of(tmp_path / "run")
    assert len(expected) > 100
    assert content_in(there) == expected
