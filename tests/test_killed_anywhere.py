"""Kill -9 of any process of a run, at random moments of all stages: the bytes end equal.

``KILLS=20`` kills as often; by default some.
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from pipeline.cli.run import TOY
from tests.conftest import COMMAND, content_of, skyscript

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "6"))
OPTIONS = [
    *("--workers", "2", "--set", "sample.max_objects=24", "--set", "sample.shard_rows=4"),
    *("--set", "score.model=tiny", "--set", "score.threads=1"),
]


def processes_of(pid: int) -> list[int]:
    """Give a process and all that it started, also their children."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:  # it ended
                continue
    return found


def count_files(root: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(root))


def test_a_run_of_which_any_process_is_killed_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    pytest.importorskip("open_clip")
    build = ["run", str(TOY), *OPTIONS, "--out"]
    assert skyscript(*build, tmp_path / "whole").returncode == 0
    whole = content_of(tmp_path / "whole")
    assert {"tables/normalised/part-00000.parquet"} <= whole.keys()
    assert any(name.endswith("filtered_by_CLIP_tiny.csv") or "top" in name for name in whole)
    root, chance = tmp_path / "run", random.Random(20)
    total = count_files(tmp_path / "whole")
    killed = 0
    run = subprocess.Popen([*COMMAND, *build, str(root)], stderr=subprocess.DEVNULL)
    for moment in sorted(chance.sample(range(1, total), KILLS)):
        while run.poll() is None and count_files(root) < moment:
            time.sleep(0.002)
        if run.poll() is None:
            time.sleep(chance.uniform(0, 0.05))
            victim = chance.choice([run.pid, *processes_of(run.pid)])
            try:
                os.kill(victim, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:  # it ended by itself
                pass
            if victim == run.pid:
                run.wait()
        if run.poll() is not None and run.returncode != 0:
            run = subprocess.Popen([*COMMAND, *build, str(root)], stderr=subprocess.DEVNULL)
    run.wait()
    assert killed >= KILLS // 2
    done = skyscript(*build, root)
    assert done.returncode == 0, done.stderr
    assert content_of(root) == whole
    assert skyscript("verify", root).returncode == 0
