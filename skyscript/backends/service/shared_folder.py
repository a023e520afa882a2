"""Small files that the processes of a user on a machine share, and the removal of old ones.

<temporary folder>/skyscript-<user>/<id of a service>/   of processes that use the service
folders/<id>         what was found in a folder of images
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from pipeline.atomic import user_folder

SECONDS_KEPT = 86_400.0
"""Since the last use: a service forgets its state after a minute, and a look at images is quick."""
STATE = "state"
"""The file of a folder with what its users share."""
_FOLDERS = "folders"
_IN_USE = "in-use"
"""The file of a folder that its users lock."""


def claim_folder(name: str) -> Path:
    """Give the folder that this user's processes share under a name.

    This process keeps it until it ends: `_remove_old` leaves a locked folder.
    """
    base = user_folder()
    _remove_old(base)
    while True:
        folder = base / name
        folder.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError):  # it was removed just now
            lock = os.open(folder / _IN_USE, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if os.fstat(lock).st_nlink:
                os.utime(lock)
                return folder
            os.close(lock)


def remembered_file(name: str) -> Path:
    """Give the file of this user under a name; it counts as used now."""
    base = user_folder()
    _remove_old(base)
    path = base / _FOLDERS / name
    with suppress(OSError):
        os.utime(path)
    return path


@cache
def _remove_old(base: Path) -> None:
    """Remove what nobody has used for long; once in a process, because it looks at each file."""
    before = time.time() - SECONDS_KEPT
    for path in [*base.iterdir(), *(base / _FOLDERS).glob("*")]:
        with suppress(OSError):  # another process removes it, too
            if path.is_file():
                if path.stat().st_mtime < before:
                    path.unlink()
            elif path.name != _FOLDERS and _last_use(path) < before:
                _remove_unless_locked(path)


def _last_use(folder: Path) -> float:
    """Give the time of the last claim, or of the last change of the state of a service.

    Raise `OSError` if another process removed the folder.
    """
    files = (path for path in (folder / _IN_USE, folder / STATE) if path.exists())
    return max(path.stat().st_mtime for path in (folder, *files))


def _remove_unless_locked(folder: Path) -> None:
    lock = os.open(folder / _IN_USE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(lock)
