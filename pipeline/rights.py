"""Names the file of a run folder that may not be changed, wherever the machine meets it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.atomic import storage


@contextmanager
def writable(root: Path) -> Iterator[None]:
    """Raise `StorageError` that names the file if one below ``root`` may not be changed.

    Errors of files elsewhere, such as inputs, pass through.
    """
    try:
        yield
    except OSError as error:
        name = error.filename
        if isinstance(name, str) and Path(name).absolute().is_relative_to(root.absolute()):
            with storage(Path(name)):
                raise
        raise
