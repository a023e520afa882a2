"""A whole run on Ray gives the same bytes as in this process and in worker processes."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.conftest import COMMAND, TOWN, content_of, skyscript
from tests.pipeline.ray_workers import busy_workers

pytestmark = pytest.mark.slow

pytest.importorskip("ray", reason="needs the extra ray")
pytest.importorskip("open_clip", reason="needs the extra clip")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the config of a run on the embedded town, with scores."""
    path = tmp_path_factory.mktemp("town") / "run.yaml"
    blocks = {
        "extract": {"path": str(TOWN)},
        "sources": {"SIM": {"backend": "simulated"}},
        "sample": {"max_objects": 64, "shard_rows": 8},
        "score": {"model": "tiny", "name": "tiny"},
    }
    path.write_text(yaml.safe_dump(blocks))
    return path


def kill_a_worker(driver: subprocess.Popen[str], root: Path) -> bool:
    """Kill a worker of Ray that makes images, after the first parts."""
    receipts = root / "tables" / "images" / "_receipts"
    while driver.poll() is None:
        if len(list(receipts.glob("*.json"))) >= 3 and (busy := busy_workers(driver.pid)):
            os.kill(busy[0], signal.SIGKILL)
            return True
        time.sleep(0.01)
    return False


def test_this_process_worker_processes_and_ray_with_a_killed_worker_give_the_same_bytes(
    town: Path, tmp_path: Path
) -> None:
    on_ray = ["--executor", "ray", "--workers", "4"]
    arguments = ["run", str(town), "--out", str(tmp_path / "ray"), *on_ray]
    with subprocess.Popen(COMMAND + arguments, stderr=subprocess.PIPE, text=True) as driver:
        killed = kill_a_worker(driver, tmp_path / "ray")
        said = driver.communicate()[1]
    assert driver.returncode == 0, said
    assert killed
    assert said.count("a Ray worker was lost (WorkerCrashedError); its work is done again") == 1
    expected = content_of(tmp_path / "ray")
    assert len([name for name in expected if name.endswith(".jpg")]) > 40
    for name, options in (("serial", ["--executor", "serial"]), ("pool", ["--workers", 2])):
        done = skyscript("run", town, "--out", tmp_path / name, *options)
        assert done.returncode == 0, done.stderr
        assert content_of(tmp_path / name) == expected
