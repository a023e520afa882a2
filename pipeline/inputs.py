"""Inputs from outside a run that may be objects in a bucket."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from pipeline.atomic import content_id, storage
from pipeline.bucket import BucketPath
from pipeline.errors import InputError
from pipeline.object_stat import ObjectStat
from pipeline.storage import Place, cache_folder, local_copy, map_files


def local_input(file: Place) -> Path:
    """Give a file of this machine with the content of an input; a path is given as it is.

    Its content decides its identity, so a run does not care where the file is. Raises `InputError`
    if the object is missing, `StorageError` if the copy cannot be written.
    """
    try:
        with storage(cache_folder()):
            return local_copy(file)
    except FileNotFoundError:
        raise InputError(
            f"{file}: there is no such object, or no such bucket: check the address"
        ) from None


def local_folder(folder: BucketPath, choose: Callable[[Iterable[str]], Iterable[str]]) -> Path:
    """Give a folder of this machine with the objects of a folder in a bucket that are chosen.

    ``choose`` gets the paths in the folder. Each object is copied once; if one has changed, the
    result is another folder. The times of the files are those of the objects.
    """
    inside = len(folder.key) + 1 if folder.key else 0
    found = {place.key[inside:]: state for place, state in folder.states()}
    safe = [name for name in found if ".." not in PurePosixPath(name).parts]
    chosen = {name: found[name] for name in sorted(choose(safe))}
    with storage(cache_folder()):
        made = cache_folder() / "folders" / content_id(f"{folder} {chosen}".encode())
        if not made.is_dir():
            _link_copies(folder, chosen, made)
    return made


def _link_copies(folder: BucketPath, chosen: dict[str, ObjectStat], made: Path) -> None:
    """Make a folder of hard links to copies of objects; it appears when it is whole."""
    made.parent.mkdir(parents=True, exist_ok=True)
    copies = map_files(local_copy, [folder / name for name in chosen])
    with tempfile.TemporaryDirectory(dir=made.parent, prefix="_") as temporary:
        whole = Path(temporary) / "whole"
        whole.mkdir()
        for name, copy in zip(chosen, copies, strict=True):
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(copy, whole / name)
        try:
            whole.rename(made)
        except OSError:  # another process made it meanwhile
            if not made.is_dir():
                raise
            shutil.rmtree(whole)
