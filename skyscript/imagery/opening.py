"""Opens many files of images in a child process, so that one that crashes GDAL is only left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pipeline.child import ChildDiedError, Place, run_in_child
from pipeline.errors import InputError

Opened = TypeVar("Opened")


def open_in_child(
    open_file: Callable[[Path], Opened], paths: Sequence[Path]
) -> tuple[list[Opened], list[str]]:
    """Give the opened files, and a sentence for each file that is unusable.

    ``open_file`` raises `InputError` for a file that is unusable; it is pickled, like its results.
    """
    remaining, crashes = list(paths), []
    while True:
        try:
            found, faults = run_in_child(_open, open_file, remaining)
        except ChildDiedError as death:
            if death.signal is None:  # it could not start
                raise
            path = remaining.pop(death.place[0])
            crashes.append(f"{path}: GDAL {death.how}, so the file is broken; get it again.")
        else:
            return found, crashes + faults


def _open(
    place: Place, open_file: Callable[[Path], Opened], paths: Sequence[Path]
) -> tuple[list[Opened], list[str]]:
    found: list[Opened] = []
    faults = []
    for number, path in enumerate(paths):
        place[0] = number
        try:
            found.append(open_file(path))
        except InputError as error:
            faults.append(str(error))
    return found, faults
