"""Set-up of worker processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait

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


def end_with_parent() -> None:
    """Make this spawned process end when its parent ends, even if the parent is killed.

    Otherwise a worker of a killed run could write while the next run writes. Ctrl-C reaches every
    process of the terminal; only the parent reacts to it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None  # spawned

    def end() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
