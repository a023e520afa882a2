"""Runs a command, and writes what it and all its descendants took, in a line of JSON to a file.

``python -m tests.bench.usage FILE COMMAND ...``. A process that outlives its parent, such as
multiprocessing's fork server, is adopted here, so that its CPU time counts, too.
"""

import ctypes
import json
import os
import sys
import time
from pathlib import Path

_ADOPT = 36
"""PR_SET_CHILD_SUBREAPER of Linux's prctl."""


def run(command: list[str]) -> dict[str, float]:
    """Run a command until none of its processes is left."""
    ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    took = {"user": 0.0, "system": 0.0, "mb": 0.0, "wall": 0.0, "code": 1}
    while True:
        try:
            pid, status, used = os.wait4(-1, 0)
        except ChildProcessError:
            return took
        took["user"] += used.ru_utime
        took["system"] += used.ru_stime
        took["mb"] = max(took["mb"], used.ru_maxrss / 1024)  # of the largest process
        if pid == child:
            took["wall"] = time.perf_counter() - started
            took["code"] = os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(run(sys.argv[2:])))
