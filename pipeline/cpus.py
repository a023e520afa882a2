"""Counts the CPUs that this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

_SLURM = ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE")
"""The CPUs that Slurm gives a task, or a job on this node; not every cluster enforces them."""


def count_cpus(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> int:
    """Give the number of CPUs that this process may use, at least 1.

    It is the smallest of: the CPUs it may run on, the quotas of its control groups (containers),
    and what Slurm has given it.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min([own or 1, *_slurm(environment), *_quotas(root)]))


def _slurm(environment: Mapping[str, str]) -> list[int]:
    """Give the number that Slurm has set, if any."""
    given = [environment[name] for name in _SLURM if environment.get(name, "").isdecimal()]
    return [int(given[0])] if given else []


def _quotas(root: Path) -> Iterator[int]:
    """Give the CPUs of each quota on the control groups of this process and their parents."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            if not folder.is_relative_to(base):
                break
            limit = _read(folder / "cpu.max").split() or [
                *_read(folder / "cpu.cfs_quota_us").split(),
                *_read(folder / "cpu.cfs_period_us").split(),
            ]
            if len(limit) == 2 and all(part.isdecimal() for part in limit) and int(limit[1]):
                yield -(-int(limit[0]) // int(limit[1]))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
