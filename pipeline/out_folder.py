"""A folder of results that appears whole or not at all, and files placed in it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pipeline.atomic import TEMPORARY, make_folder, storage
from pipeline.errors import InputError
from pipeline.storage import Place

RUN_MARKER = "_run.json"
"""The file that marks a folder as a run."""


@contextmanager
def replace_folder(out: Path, marks: Sequence[str], command: str) -> Iterator[Path]:
    """Yield an empty folder that replaces ``out`` at the end of the context.

    ``marks`` are files that every result of the command has. Raises `InputError` if ``out`` exists
    and is neither empty nor a result of it.
    """
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        ours = all((out / name).is_file() for name in marks)
        if not ours or is_run(out):
            raise InputError(f"{out}: exists and is not a set of {command}; choose another --out.")
    temporary = out.with_name(f"{TEMPORARY}{out.name}")
    old = out.with_name(f"{TEMPORARY}old-{out.name}")
    with storage(out):
        for path in (temporary, old):
            shutil.rmtree(path, ignore_errors=True)
        make_folder(temporary)
        try:
            yield temporary
            if out.exists():
                out.rename(old)
            temporary.rename(out)
        finally:
            for path in (temporary, old):
                shutil.rmtree(path, ignore_errors=True)


def is_run(folder: Place) -> bool:
    """Tell whether a folder is marked as a run."""
    return (folder / RUN_MARKER).exists()


def refuse_run(out: Path) -> None:
    """Raise `InputError` if a folder that a job shall write to is the folder of a run."""
    if is_run(out):
        raise InputError(f"{out}: is the folder of a run; choose another folder.")


def place_file(source: Path, target: Path, how: Literal["link", "copy"]) -> None:
    """Make a hard link to an image of a run if the disk allows it, or copy the image."""
    if not source.is_file():
        raise InputError(f"{source}: the run's table names this image, but the file is missing.")
    if how == "link":
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
                raise
        else:
            return
    shutil.copyfile(source, target)
