"""Places of files: a path on a disk, or an address in a bucket; stages need not tell them apart.

A `Place` is frozen, can be sent to other processes, and has the methods of `pathlib.Path`: ``/``,
``name``, ``exists``, ``read_bytes``, ``unlink`` ... Files are written by `pipeline.atomic`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from pipeline.addresses import SCHEMES, is_address
from pipeline.bucket import BucketPath
from pipeline.errors import ConfigError, StorageError
from pipeline.object_stat import ObjectEntry, ObjectStat

Place = Path | BucketPath
"""A file or a folder."""

Result = TypeVar("Result")
_PIECE = 2**20
_REQUESTS = 16
"""Parallel requests to a bucket: an answer takes long, but costs this machine little."""
_MOST_COPIES = 3
"""How often an object is copied that others replace meanwhile."""


def place_of(text: str | Place) -> Place:
    """Read a path or an address. Raises `ConfigError` for an address of no bucket."""
    if isinstance(text, BucketPath):
        return text
    if (found := BucketPath.parse(str(text))) is not None:
        return found
    if is_address(text):
        known = ", ".join(f"{scheme}://BUCKET/NAME" for scheme in SCHEMES)
        raise ConfigError(f"{text}: is an address; choose a folder, or a bucket ({known})")
    return Path(text)


def scan(folder: Place) -> Iterator[os.DirEntry[str] | ObjectEntry]:
    """Yield the files right below a folder; none if there is no folder."""
    if isinstance(folder, BucketPath):
        yield from folder.scan()
        return
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return


def matching(folder: Place, pattern: str) -> list[Place]:
    """Give the files and folders below a folder that fit a pattern, in order."""
    return sorted(folder.glob(pattern))


def map_files(read: Callable[[Place], Result], places: Iterable[Place]) -> Iterator[Result]:
    """Yield the result of reading each file, in order; files of a bucket are read in parallel."""
    chosen = list(places)
    if len(chosen) < 2 or isinstance(chosen[0], Path):
        yield from map(read, chosen)
        return
    with ThreadPoolExecutor(_REQUESTS) as threads:
        yield from threads.map(read, chosen)


def remove_all(folder: Place) -> None:
    """Remove a folder with all that it contains, if it is there."""
    if isinstance(folder, BucketPath):
        folder.remove_all()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def local_copy(file: Place) -> Path:
    """Give a file of this machine with the same content, for libraries that read from disks only.

    An object is copied to the user's cache folder once, and again when it has changed. A copy that
    broke off is continued. Raises `FileNotFoundError` if the object is missing, `StorageError` if
    it changes all the time.
    """
    if isinstance(file, Path):
        return file
    for _ in range(_MOST_COPIES):
        state = file.stat()
        name = blake2b(f"{file} {state}".encode(), digest_size=16).hexdigest()
        copy = cache_folder() / "objects" / name / file.name
        if copy.exists() or _copy_object(file, state, copy):
            return copy
    raise StorageError(f"{file}: changes while it is copied; run again when it is complete")


def _copy_object(file: BucketPath, state: ObjectStat, copy: Path) -> bool:
    """Copy an object in this state; False if it has another one by now.

    The copy gets its name when it is whole. A second process waits for the first one.
    """
    copy.parent.mkdir(parents=True, exist_ok=True)
    part = copy.with_name(f"{copy.name}.part")
    with part.open("ab") as target:
        fcntl.flock(target, fcntl.LOCK_EX)
        if copy.exists():
            return True
        with file.open() as source:
            source.seek(target.seek(0, os.SEEK_END))
            shutil.copyfileobj(source, target, _PIECE)
        target.flush()
        if file.stat() == state and target.tell() == state.st_size:
            os.utime(part, ns=(state.st_mtime_ns, state.st_mtime_ns))  # the same on every machine
            part.replace(copy)
            return True
        part.unlink()
    return False


def cache_folder() -> Path:
    """Give the folder of this user for what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skyscript"


class Sizes:
    """Gives the sizes of files below a folder by their names, for many files of few folders."""

    def __init__(self, root: Place) -> None:
        self._root = root
        self._listed: dict[str, dict[str, int]] = {}

    def __call__(self, name: str) -> int | None:
        """Give the size of a file in bytes; None if there is no file."""
        if isinstance(self._root, BucketPath):
            return self._size_in_bucket(self._root, name)
        try:
            # Millions of files: several times faster than pathlib.
            found = os.stat(f"{self._root}/{name}")  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def _size_in_bucket(self, root: BucketPath, name: str) -> int | None:
        folder, _, file = name.rpartition("/")
        if folder not in self._listed:
            self._listed[folder] = _sizes_in(root / folder if folder else root)
        return self._listed[folder].get(file)


def _sizes_in(folder: BucketPath) -> dict[str, int]:
    """Give the size of each object right below a folder, by name."""
    return {place.name: size for place, size in folder.objects() if place.parent == folder}
