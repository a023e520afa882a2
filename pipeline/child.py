"""Runs a task in a child process, so that a native library that crashes does not end the run.

The children of one process are forked from a server of multiprocessing, which imports the modules
that they need once: the first child takes about a second to start, each further one some
milliseconds.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Concatenate, ParamSpec, TypeVar

from pipeline.errors import SkyScriptError
from pipeline.worker_process import blocked_signals, leave_signals_to_parent

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

Place = ctypes.Array[ctypes.c_int64]
"""Two numbers in which the child keeps where it is; the parent reads them if the child dies."""

_FORK_SERVER = multiprocessing.get_context("forkserver")
_preloaded: dict[str, None] = {}


def preload(*modules: str) -> None:
    """Let the server import these modules, unless it has started already."""
    _preloaded.update(dict.fromkeys(modules))
    _FORK_SERVER.set_forkserver_preload(list(_preloaded))


class ChildDiedError(Exception):
    """The child died before it had a result."""

    def __init__(self, exit_code: int, place: tuple[int, int]) -> None:
        super().__init__(exit_code, place)
        self.exit_code, self.signal = exit_code, -exit_code if exit_code < 0 else None
        self.place = place

    @property
    def how(self) -> str:
        """Say how the child ended, in words for the user."""
        if self.signal is None:
            return "ended without a result"
        if self.signal == signal.SIGKILL:
            return "was killed, most likely because memory ran out"
        return f"crashed with {signal.Signals(self.signal).name}"


def run_in_child(
    task: Callable[Concatenate[Place, Arguments], Result],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """Run ``task(place, ...)`` in a child process; give its result, or raise its error.

    The task, its arguments and its result are pickled. The child is killed if this process is
    interrupted, and ends if this process dies. Raises `ChildDiedError`.
    """
    preload(task.__module__)
    place: Place = _FORK_SERVER.RawArray(ctypes.c_int64, 2)
    ours, theirs = _FORK_SERVER.Pipe(duplex=False)
    child = _FORK_SERVER.Process(target=_run, args=(theirs, task, place, args, kwargs))
    try:
        with blocked_signals():
            child.start()
        theirs.close()
        try:
            is_result, result = ours.recv()
        except (EOFError, OSError):
            child.join()
            raise ChildDiedError(child.exitcode or 0, (place[0], place[1])) from None
        child.join()
    finally:
        ours.close()
        _kill(child)
    if not is_result:
        raise result
    return result  # type: ignore[no-any-return] # pickled


def _kill(child: BaseProcess) -> None:
    if child.pid is not None and child.is_alive():
        child.kill()
        child.join()


def _run(
    connection: Connection,
    task: Callable[..., Any],
    place: Place,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    leave_signals_to_parent()
    try:
        reply = True, task(place, *args, **kwargs)
    except Exception as error:
        if not isinstance(error, SkyScriptError):
            error.add_note(traceback.format_exc())
        reply = False, error
    connection.send(reply)
