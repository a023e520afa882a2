"""Names the file of a run folder that may not be changed, wherever the machine meets it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.atomic import storage
from pipeline.storage import Place


@contextmanager
def writable(root: Place) -> Iterator[None]:
    """Raise `StorageError` that names the file if one below ``root`` may not be changed.

    Errors of files elsewhere, such as inputs, pass through. A bucket names its objects itself.
    """
    try:
        yield
    except OSError as error:
        name = error.filename
        if isinstance(name, str) and isinstance(root, Path) and _is_below(Path(name), root):
            with storage(Path(name)):
                raise
        raise


def _is_below(path: Path, root: Path) -> bool:
    return path.absolute().is_relative_to(root.absolute())
