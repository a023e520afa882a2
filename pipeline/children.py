"""Processes that others have started."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """Make this process end with the one that spawned it, however that ends.

    One that outlived a killed run could write beside the next. Ctrl-C reaches the whole terminal;
    it is the parent's to act on.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None  # spawned

    def end() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
