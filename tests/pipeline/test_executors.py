"""Worker processes: nothing of a killed run goes on."""

import functools
import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import SkyScriptError
from pipeline.executors import ProcessExecutor, SerialExecutor
from pipeline.stage import GpuUse
from pipeline.worker_process import worker_number

pytestmark = pytest.mark.slow


SCRIPT = """
import os, sys, time
from pathlib import Path
from pipeline.executors import ProcessExecutor

def work(folder):
    Path(folder, "pid").write_text(str(os.getpid()))
    time.sleep(60)

if __name__ == "__main__":
    with ProcessExecutor(1) as executor:
        list(executor.map(work, [sys.argv[1]]))
"""


def test_both_executors_answer_every_item() -> None:
    with SerialExecutor() as serial, ProcessExecutor(2) as processes:
        items = list(range(-5, 5))
        assert sorted(processes.map(abs, items)) == sorted(serial.map(abs, items))


def process_of(_: int) -> int:
    time.sleep(0.02)
    return os.getpid()


def number_of(_: int) -> int | None:
    time.sleep(0.05)
    return worker_number()


def test_workers_are_numbered_and_the_main_process_is_not() -> None:
    with ProcessExecutor(2) as processes, SerialExecutor() as serial:
        assert set(processes.map(number_of, range(8))) == {0, 1}
        assert set(serial.map(number_of, range(2))) == {None}


def test_a_stage_has_as_many_workers_as_gpus() -> None:
    with ProcessExecutor(2) as processes:
        assert len(set(processes.map(process_of, range(8), GpuUse(False, 1)))) == 1
        assert sorted(processes.map(abs, range(4), GpuUse(True, 5))) == [0, 1, 2, 3]


def leave_a_file(path: Path) -> None:
    path.touch()
    time.sleep(0.05)


def test_what_has_not_begun_is_dropped_where_an_error_ends_the_run(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(20)]
    for gpus in (None, GpuUse(False, 1)):
        with pytest.raises(ZeroDivisionError), ProcessExecutor(2) as processes:
            for _ in processes.map(leave_a_file, paths, gpus):
                raise ZeroDivisionError
        assert 0 < len(list(tmp_path.iterdir())) < 12
        for path in tmp_path.iterdir():
            path.unlink()


def die_at(folder: Path, number: int, times: int) -> int:
    """Give the number; the process dies at 3, the first times."""
    deaths = folder / f"deaths-{len(list(folder.iterdir()))}"
    if number == 3 and len(list(folder.iterdir())) < times:
        deaths.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_worker_that_dies_is_replaced_and_its_item_is_run_again(tmp_path: Path) -> None:
    with ProcessExecutor(2) as processes:
        task = functools.partial(die_at, tmp_path, times=2)
        assert sorted(processes.map(task, range(6))) == list(range(6))
    assert len(list(tmp_path.iterdir())) == 2


def test_an_item_that_kills_three_workers_is_given_up(tmp_path: Path) -> None:
    task = functools.partial(die_at, tmp_path, times=9)
    with ProcessExecutor(2) as processes:
        found = processes.map(task, range(6), on_lost=lambda number: -number)
        assert sorted(found) == [-3, 0, 1, 2, 4, 5]
        with pytest.raises(SkyScriptError, match="3: its worker process died 3 times"):
            list(processes.map(task, [3]))
    assert len(list(tmp_path.iterdir())) == 6


def test_an_error_of_a_task_is_raised(tmp_path: Path) -> None:
    with ProcessExecutor(1) as processes:
        with pytest.raises(FileNotFoundError):
            list(processes.map(os.stat, [tmp_path / "missing"]))
        assert list(processes.map(abs, [-1])) == [1]


def test_workers_end_when_their_run_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    driver = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment)
    pid = wait_for(tmp_path / "pid")
    driver.kill()
    driver.wait()
    for _ in range(100):
        if not alive(pid):
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("the worker outlived its run")


def wait_for(path: Path) -> int:
    for _ in range(300):
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.1)
    raise AssertionError("the worker never began")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def leave_a_cycle(_: int) -> tuple[int, bool]:
    """Give how many objects the collector passes over, and whether it finds a new cycle."""
    passed_over = gc.get_freeze_count()
    gc.collect()
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    return passed_over, gc.collect() > 0


def test_the_collector_passes_over_what_a_worker_loaded_and_over_nothing_later() -> None:
    with ProcessExecutor(1) as processes:
        (first, _), (second, _), (third, finds) = processes.map(leave_a_cycle, range(3))
    assert first == 0
    assert second == third > 10_000
    assert finds
