"""Inputs from outside a run that may be objects in a bucket."""

from __future__ import annotations

from pathlib import Path

from pipeline.atomic import storage
from pipeline.errors import InputError
from pipeline.storage import Place, cache_folder, local_copy


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
