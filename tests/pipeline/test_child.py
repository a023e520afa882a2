"""A task in a child process: its result, its error, its death, and what ends it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.child import ChildDiedError, Place, run_in_child
from pipeline.errors import InputError
from tests.pipeline.test_executors import alive, wait_for

SCRIPT = """
import os, sys
from pathlib import Path
from pipeline.child import run_in_child
from pipeline.interrupts import raise_interrupted

def work(place, folder):
    Path(folder, "pid").write_text(str(os.getpid()))
    "".join(str(number) for number in range(10)) and pow(3, 10**9)  # holds the interpreter

if __name__ == "__main__":
    with raise_interrupted():
        run_in_child(work, sys.argv[1])
"""


def double(place: Place, number: int) -> int:
    return 2 * number


def fail(place: Place, error: Exception) -> None:
    raise error


def divide(place: Place) -> float:
    return 1 / place[0]


def die(place: Place, signum: int) -> None:
    place[0], place[1] = 7, 2**62
    os.kill(os.getpid(), signum)


def leave(place: Place) -> None:
    os._exit(3)


def test_the_child_s_result_and_error_come_back() -> None:
    assert run_in_child(double, 21) == 42
    assert run_in_child(double, number=1) == 2
    with pytest.raises(InputError, match="row 3"):
        run_in_child(fail, InputError("row 3"))


def test_an_unexpected_error_tells_where_in_the_child_it_arose() -> None:
    with pytest.raises(ZeroDivisionError) as error:
        run_in_child(divide)
    assert "place[0]" in error.value.__notes__[0]


@pytest.mark.parametrize(
    ("signum", "words"),
    [
        (signal.SIGSEGV, "crashed with SIGSEGV"),
        (signal.SIGABRT, "crashed with SIGABRT"),
        (signal.SIGBUS, "crashed with SIGBUS"),
        (signal.SIGKILL, "was killed, most likely because memory ran out"),
    ],
)
def test_a_child_that_dies_tells_how_and_where(signum: signal.Signals, words: str) -> None:
    with pytest.raises(ChildDiedError) as error:
        run_in_child(die, signum)
    assert (error.value.how, error.value.signal) == (words, signum)
    assert error.value.place == (7, 2**62)


def test_a_child_that_leaves_without_a_result_has_died() -> None:
    with pytest.raises(ChildDiedError) as error:
        run_in_child(leave)
    assert error.value.how == "ended without a result"


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_child_in_native_code_ends_with_its_parent(
    tmp_path: Path, signum: signal.Signals
) -> None:
    script = tmp_path / "driver.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    driver = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], env=environment, stderr=subprocess.PIPE
    )
    pid = wait_for(tmp_path / "pid")
    time.sleep(0.2)
    driver.send_signal(signum)
    driver.communicate(timeout=20)
    for _ in range(50):
        if not alive(pid):
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("the child outlived its run")
