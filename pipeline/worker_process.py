"""Set-up of worker processes."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import wait

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_numbers: list[int] = []
"""The number of this worker process; empty in the main process."""


def become_worker(number: int) -> None:
    """Make this process a worker, which uses one CPU and the GPU with this number."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    _numbers[:] = [number]


def worker_number() -> int | None:
    """Give the number of this worker process, by which workers take GPUs in turn.

    None: this is the main process, which may use all CPUs.
    """
    return _numbers[0] if _numbers else None


def pass_over_what_is_loaded() -> None:
    """Let Python's collector of cycles pass over what this worker has loaded for its first item.

    That is 100,000 objects and more (modules, the vocabulary, indexes of tables), which stay as
    long as the process, and which each full collection would look through. What the worker makes
    later is collected as ever, so memory is still bounded by what one item needs.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


def end_with_parent() -> None:
    """Make this process end when its parent ends, even if the parent is killed.

    Otherwise a worker of a killed run could write while the next run writes. The system itself ends
    the process, so it also ends in a native library that never lets Python's threads run. Ctrl-C
    reaches every process of the terminal; only the parent reacts to it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None  # started by multiprocessing
    pipe = parent.sentinel
    signal.signal(signal.SIGIO, signal.SIG_DFL)  # comes when the pipe closes, and ends the process
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    if wait([pipe], 0):  # it had closed before
        os._exit(1)


def leave_signals_to_parent() -> None:
    """Let the parent decide what happens on Ctrl-C and SIGTERM; end with the parent.

    Both may reach the whole group of processes. Programs that a task starts are free.
    """
    end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


@contextlib.contextmanager
def blocked_signals() -> Iterator[None]:
    """Hold signals back while a process is started, which is not ready for them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
