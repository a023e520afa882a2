"""The files of a folder of images: which there are, their ids, and which are faulty."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.atomic import content_id
from pipeline.errors import InputError
from pipeline.inputs import local_folder, local_input

if TYPE_CHECKING:
    from skyscript.backends.folder import FolderSource

_HEAD = 1 << 12
"""The number of first bytes that a file's content id depends on, besides size and time."""
_NAMED = 20
"""The most faulty files that a message describes one by one."""
log = logging.getLogger(__name__)


def judge(alias: str, faults: Sequence[str], count: int) -> None:
    """Warn of faulty files in one message; raises `InputError` if none of the files is usable."""
    if len(faults) == count:
        raise InputError(_together(faults))
    if faults:
        _warn(f"{alias}: {len(faults)} of {count} files are left out: {_together(faults)}")


@lru_cache(maxsize=64)
def _warn(message: str) -> None:
    """Warn once a process: several stages look into the same folder."""
    log.warning("%s", message)


def _together(faults: Sequence[str]) -> str:
    """Join the sentences about faulty files; of very many, the last ones are names only."""
    more = [fault.split(": ")[0] for fault in faults[_NAMED:]]
    return " ".join(faults[:_NAMED]) + (f" And {', '.join(more)}." if more else "")


def local_path(config: FolderSource) -> Path:
    """Give the folder or file on this machine; what lies in a bucket is copied once."""
    place = config.path
    if isinstance(place, Path):
        return place
    if place.key and place.is_file():

        def beside(names: Iterable[str]) -> Iterable[str]:
            return (name for name in names if name.startswith(f"{place.stem}."))

        return local_folder(place.parent, beside) / place.name
    return local_folder(place, partial(_with_what_lies_beside, config))


def _with_what_lies_beside(config: FolderSource, names: Iterable[str]) -> Iterable[str]:
    """Give the images, and files of the same name, such as a.prj, a.tfw and a.tif.ovr of a.tif."""
    known = [name for name in names if config.recursive or "/" not in name]
    stems = {str(Path(name).with_suffix("")) for name in known if _is_image(config, name)}
    for name in known:
        folder, slash, file = name.rpartition("/")
        ends = (at for at, letter in enumerate(file) if letter == ".")
        if any(f"{folder}{slash}{file[:end]}" in stems for end in ends):
            yield name


def _is_image(config: FolderSource, name: str) -> bool:
    file = name.rpartition("/")[2].lower()
    return not file.startswith(".") and any(fnmatchcase(file, p.lower()) for p in config.pattern)


def files(config: FolderSource) -> list[Path]:
    """List the source's files by name; raises `InputError` if there is none."""
    folder = local_path(config)
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise InputError(f"{config.path}: no such folder or file of images.")
    inside = folder.rglob("*") if config.recursive else folder.iterdir()
    found = [path for path in inside if _is_image(config, path.name) and path.is_file()]
    if not found:
        raise InputError(f"{config.path}: holds no file like {' or '.join(config.pattern)}.")
    return sorted(found)


def folder_of(config: FolderSource) -> Path:
    """Give the folder on this machine to which the names of scenes are relative."""
    path = local_path(config)
    return path if path.is_dir() else path.parent


def content(config: FolderSource) -> str:
    """Give an id of the source's files: names, sizes, times, and the first bytes of each.

    The time reveals pixels changed in place; a copy with new times counts as changed, too.
    """
    root = folder_of(config)
    listing = [[path.relative_to(root).as_posix(), content_of(path)] for path in files(config)]
    if (
        config.acquired_table is not None
        and (table := local_input(config.acquired_table)).is_file()
    ):
        listing.append(["acquired_table", content_id(table.read_bytes())])
    return content_id(json.dumps(listing).encode())


def content_of(path: Path) -> str:
    """Give an id of a file by its size, its time and its first bytes."""
    stat = path.stat()
    return _unchanged_file_id(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1 << 16)
def _unchanged_file_id(path: Path, changed: int, size: int) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    return f"{changed:x}-{size:x}-{content_id(head)}"
