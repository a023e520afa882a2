"""Finds the processes that work on tasks of Ray, to kill them."""

from pathlib import Path


def busy_workers(ancestor: int) -> list[int]:
    """Give the processes below another one that work on a task."""
    parents, busy = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])
        if command.startswith(b"ray::_run_in_worker"):
            busy.append(int(folder.name))
    return [worker for worker in busy if ancestor in _ancestors(worker, parents)]


def _ancestors(process: int, parents: dict[int, int]) -> set[int]:
    found = set()
    while process in parents and process not in found:
        found.add(process)
        process = parents[process]
    return found
