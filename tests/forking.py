"""Starts processes that are forked from one that has imported what they need.

A process takes seven seconds of a CPU to import torch and open_clip, and a training of the tests
two. A forked process is as good as a new one: what it is forked from only imports, so that no
thread, handler of a signal or state of a test is in it.
"""

import atexit
import contextlib
import importlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

_SERVE = "from tests.forking import serve; serve()"
REPOSITORY = Path(__file__).parents[1]


class ForkServer:
    """A process that imports modules once; each process that it starts has them."""

    def __init__(self, *modules: str) -> None:
        self._connection, theirs = Pipe()
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(theirs.fileno()), *modules],
            pass_fds=[theirs.fileno()],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )
        theirs.close()
        atexit.register(self._end)

    def start(
        self,
        task: Callable[..., object],
        *arguments: object,
        said: Path,
        environment: Mapping[str, str] | None = None,
    ) -> "Forked":
        """Start a process that calls a function of a module; it writes what it says to a file."""
        changes = dict(os.environ | (environment or {}))
        pid = self._ask(pickle.dumps((task, arguments)), str(said), changes, Path.cwd())
        return Forked(pid, self)

    def _ask(self, *question: object) -> int:
        self._connection.send(question)
        answer: int = self._connection.recv()
        return answer

    def _end(self) -> None:
        self._connection.close()  # the server ends
        self._server.wait()


class Forked:
    """A process of the fork server."""

    def __init__(self, pid: int, server: ForkServer) -> None:
        self.pid, self._server = pid, server
        self.returncode: int | None = None
        self._file = os.pidfd_open(pid)

    def fileno(self) -> int:
        """Give the file that can be read when the process has ended."""
        return self._file

    def poll(self) -> int | None:
        """Give the exit code, as `subprocess.Popen` does; None while the process runs."""
        if self.returncode is None and wait([self], 0):
            self.wait()
        return self.returncode

    def wait(self) -> int:
        """Wait for the end; give the exit code."""
        if self.returncode is None:
            self.returncode = self._server._ask(self.pid)
            os.close(self._file)
        return self.returncode

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._file, signal.SIGKILL)


@cache
def fork_server(*modules: str) -> ForkServer:
    """Give the server with these modules; it starts when it is first asked for."""
    return ForkServer(*modules)


def wait_for_all(processes: Sequence[Forked]) -> int:
    """Wait for processes that work together; the first that fails ends the others, as in torchrun.

    Gives its exit code, or 0.
    """
    running = list(processes)
    codes = []
    while running:
        for process in [ended for ended in running if ended in wait(running)]:
            running.remove(process)
            codes.append(process.wait())
            if codes[-1]:
                for other in running:
                    other.kill()
    return next((code for code in codes if code), 0)


def command_line(*words: str) -> None:
    """Run a command as a user does."""
    from pipeline.cli import main

    sys.argv = ["skyscript", *words]
    main()


def serve() -> None:
    """Import the modules, then fork a process for each task until nobody can ask any more."""
    file, *modules = sys.argv[1:]
    for module in modules:
        importlib.import_module(module)
    connection = Connection(int(file))
    with contextlib.suppress(EOFError):
        while True:
            first, *more = connection.recv()
            if isinstance(first, int):
                answer = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
            elif not (answer := os.fork()):
                connection.close()
                _work(first, *more)
                return
            connection.send(answer)


def _work(call: bytes, said: str, environment: dict[str, str], folder: Path) -> None:
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    task, arguments = pickle.loads(call)
    task(*arguments)
