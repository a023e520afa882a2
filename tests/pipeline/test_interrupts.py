"""Ctrl-C and SIGTERM: the first stops a run in order, the second at once. Real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.config import parse_config
from pipeline.runner import run
from tests.conftest import REPOSITORY, content_of
from tests.pipeline.recipe import RECIPE

pytestmark = pytest.mark.slow


SCRIPT = """
import json
import sys
from pathlib import Path
import typer
from pipeline.cli.working import interruptible
from pipeline.config import parse_config
from pipeline.runner import run
from tests.pipeline.recipe import RECIPE

if __name__ == "__main__":
    root, pause, runner = Path(sys.argv[1]), float(sys.argv[2]), json.loads(sys.argv[3])
    given = {"runner": runner, "square": {"pause": pause}}
    try:
        with interruptible():
            run(RECIPE, parse_config(given, RECIPE, base=root, where="test"), root, lambda _: None)
    except typer.Exit as end:
        sys.exit(end.exit_code)
"""


@contextmanager
def running(
    folder: Path, pause: float, executor: str = "processes", **runner: object
) -> Iterator[subprocess.Popen]:
    """Give a run of the small recipe in a process group of its own, once it squares numbers."""
    script = folder / "driver.py"
    script.write_text(SCRIPT)
    root = folder / "run"
    block = json.dumps({"executor": executor, "workers": 2, **runner})
    process = subprocess.Popen(
        [sys.executable, str(script), str(root), str(pause), block],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        begun = root / "files/0.txt"
        for _ in range(600):
            if begun.exists():
                break
            assert process.poll() is None
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("executor", ["processes", "serial"])
def test_the_first_signal_keeps_what_is_made_and_says_so(
    tmp_path: Path, signum: signal.Signals, executor: str
) -> None:
    with running(tmp_path, 0.4, executor) as process:
        os.killpg(process.pid, signum)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 128 + signum
    assert said.splitlines() == [
        "",
        "stopping: waits for the parts or files that are being made; interrupt again to end at "
        "once",
        "interrupted; run the same command again to continue",
    ]
    receipts = list((tmp_path / "run/tables/squares/_receipts").glob("*.json"))
    assert len(receipts) == (2 if executor == "processes" else 0)
    for root in (tmp_path / "run", tmp_path / "undisturbed"):
        given = {"runner": {"executor": "serial"}}
        run(RECIPE, parse_config(given, RECIPE, base=root, where="test"), root, lambda _: None)
    assert content_of(tmp_path / "run") == content_of(tmp_path / "undisturbed")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_the_run_and_its_workers_at_once(
    tmp_path: Path, signum: signal.Signals
) -> None:
    with running(tmp_path, 12) as process:
        for _ in range(2):
            os.killpg(process.pid, signum)
            time.sleep(1)
        _, said = process.communicate(timeout=8)
    assert process.returncode == -signum, said
    for _ in range(100):
        if not group_is_alive(process.pid):
            return
        time.sleep(0.1)
    raise AssertionError("a worker outlived its run")


def group_is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
