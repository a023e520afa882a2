"""Starts processes that are forked from one that has imported what they need.

A process takes one second of a CPU to import what a run needs, and seven with torch and open_clip.
A forked process is as good as a new one: what it is forked from only imports, so that no thread,
handler of a signal or state of a test is in it.
"""

import atexit
import contextlib
import gc
import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import NamedTuple, NoReturn

_SERVE = "from tests.forking import serve; serve()"
REPOSITORY = Path(__file__).parents[1]


class Place(NamedTuple):
    """Where a process finds itself."""

    out: Path
    err: Path
    environment: dict[str, str]
    folder: Path


class ForkServer:
    """A process that imports modules once; each process that it starts has them."""

    def __init__(self, *modules: str) -> None:
        self._lock = threading.Lock()
        self._connection, theirs = Pipe()
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(theirs.fileno()), *modules],
            pass_fds=[theirs.fileno()],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # what it starts finds out before that it has no terminal
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        atexit.register(self._end)

    def start(
        self,
        task: Callable[..., object],
        *arguments: object,
        out: Path,
        err: Path | None = None,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> "Forked":
        """Start a process that calls a function of a module.

        It writes what it prints to the file ``out``, and errors to ``err`` if given.
        """
        place = Place(out, err or out, dict(os.environ | (environment or {})), cwd or Path.cwd())
        return Forked(self._ask(pickle.dumps((task, arguments)), place), self)

    def _ask(self, *question: object) -> int:
        with self._lock:
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
        if self.returncode is None and wait([self._file], 0):
            self.wait()
        return self.returncode

    def wait(self) -> int:
        """Wait for the end; give the exit code."""
        if self.returncode is None:
            wait([self._file])
            self.returncode = self._server._ask(self.pid)
            os.close(self._file)
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._file, signum)

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        self.send_signal(signal.SIGKILL)


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
        ended = wait([process.fileno() for process in running])
        for process in [process for process in running if process.fileno() in ended]:
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
    if "stages" in modules:
        _serve_children()
    gc.freeze()  # a collection in a forked process would copy all that is imported
    connection = Connection(int(file))
    with contextlib.suppress(EOFError):
        while True:
            first, *place = connection.recv()
            if isinstance(first, int):
                answer = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
            elif not (answer := os.fork()):
                connection.close()
                _work(first, *place)
            connection.send(answer)


def _serve_children() -> None:
    """Start the server of `pipeline.child` once for all runs, not in each of them."""
    from pipeline.child import preload

    preload("osmium", "duckdb", "stages.extract.reading")
    forkserver.ensure_running()
    forkserver._forkserver.ensure_running = resource_tracker.ensure_running  # type: ignore[attr-defined]


def _work(call: bytes, place: Place) -> NoReturn:
    for standard, path in ((1, place.out), (2, place.err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, standard)
        os.close(file)
    os.chdir(place.folder)
    os.environ.clear()
    os.environ.update(place.environment)
    task, arguments = pickle.loads(call)
    code: object = 0
    try:
        task(*arguments)
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    _end(code if isinstance(code, int) else 1)


def _end(code: int) -> NoReturn:
    """End as an interpreter does, but leave the memory: to free each object takes half a second."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
