"""A job array as docs/cluster.md describes it: ranges of shards in any order, some at once."""

import random
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import COMMAND, TOWN, content_of, skyscript

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the config of a run of 10 shards on the embedded town."""
    path = tmp_path_factory.mktemp("town") / "run.yaml"
    blocks = {
        "extract": {"path": str(TOWN)},
        "sources": {"SIM": {"backend": "simulated"}},
        "sample": {"max_objects": 60, "shard_rows": 6},
        "runner": {"executor": "serial"},
    }
    path.write_text(yaml.safe_dump(blocks))
    return path


def make_parts(town: Path, root: Path, ranges: list[str], *more: str) -> None:
    """Make parts by two runs at a time, as two jobs of an array."""
    for pair in (ranges[:2], ranges[2:]):
        array = [
            subprocess.Popen(
                [*COMMAND, "run", str(town), "--out", str(root), "--shards", chosen, *more]
            )
            for chosen in pair
        ]
        assert [task.wait() for task in array] == [0, 0]


def test_an_array_of_ranges_in_shuffled_order_ends_as_one_run(town: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert skyscript("run", town, "--out", whole).returncode == 0
    assert skyscript("run", town, "--out", parts, "--until", "extract").returncode == 0
    ranges = ["0-2", "3-5", "6-6", "7-99"]
    random.Random(11).shuffle(ranges)
    make_parts(town, parts, ranges, "--until", "match")
    # The shift of a scene needs the matches of all its images.
    assert skyscript("run", town, "--out", parts, "--until", "align").returncode == 0
    make_parts(town, parts, ranges)
    last = skyscript("run", town, "--out", parts)
    assert last.returncode == 0, last.stderr
    for stage in ("plan", "fetch", "overlay", "caption"):
        assert re.search(rf"^{stage} +60 rows .*already done$", last.stderr, re.MULTILINE)
    assert content_of(parts) == content_of(whole)


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        ("a-b", "--shards a-b: write it as FIRST-LAST, for example 0-99"),
        ("5-", "--shards 5-: write it as FIRST-LAST, for example 0-99"),
        ("9-3", "--shards 9-3: the last part is before the first one"),
        ("0-9", "missing: is not the folder of a run; --shards needs one, with the tables before"),
    ],
)
def test_what_cannot_be_a_range_is_one_sentence(
    town: Path, tmp_path: Path, shards: str, message: str
) -> None:
    done = skyscript("run", town, "--out", tmp_path / "missing", "--shards", shards)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "missing").exists()
