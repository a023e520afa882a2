"""The files that stages write beside their tables: finds missing ones, removes obsolete ones."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.atomic import TEMPORARY
from pipeline.stage import Owned

log = logging.getLogger(__name__)


def clear_temporaries(root: Path, owns: Iterable[Owned] = ()) -> None:
    """Remove unfinished files from a run folder and from the folders of side files."""
    for folder in {root, *(folder for owned in owns for folder in _folders(root, owned))}:
        for path in folder.glob(f"{TEMPORARY}*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def sweep(root: Path, owns: Iterable[Owned], table: ds.Dataset) -> None:
    """Remove the side files that no row of ``table`` names, one folder at a time."""
    removed = 0
    for owned in owns:
        for folder in _folders(root, owned):
            prefix = "" if folder == root else f"{folder.relative_to(root)}/"
            current = _paths(table, owned.column, prefix)
            for path in folder.glob(Path(owned.glob or "").name):
                if path.is_file() and str(path.relative_to(root)) not in current:
                    path.unlink()
                    removed += 1
    if removed:
        log.info("removed %d files that the rebuilt table does not name", removed)


def parts_without_files(root: Path, owns: Iterable[Owned], table: ds.Dataset) -> set[Path]:
    """Give the part files of ``table`` with a row whose side file is missing or has another size.

    Checks each file once, part by part, so memory does not grow with the table.
    """
    columns = {(owned.column, owned.size) for owned in owns}
    return {
        Path(fragment.path)
        for fragment in table.get_fragments()
        if not all(_all_present(root, fragment, *pair) for pair in columns)
    }


def _all_present(root: Path, part: ds.Fragment, column: str, size: str | None) -> bool:
    wanted = [column] if size is None else [column, size]
    rows = part.to_table(columns=wanted, filter=pc.field(column).is_valid())
    sizes = [None] * len(rows) if size is None else rows[size].to_pylist()
    return all(map(_is_present, (f"{root}/{path}" for path in rows[column].to_pylist()), sizes))


def _is_present(path: str, size: int | None) -> bool:
    try:
        found = os.stat(path)  # noqa: PTH116 - millions of files: several times faster
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(found.st_mode) and size in (None, found.st_size)


def _folders(root: Path, owned: Owned) -> list[Path]:
    if owned.glob is None:
        return []
    parent = str(Path(owned.glob).parent)
    return [root] if parent == "." else sorted(root.glob(parent))


def _paths(table: ds.Dataset, column: str, prefix: str) -> set[str]:
    keep = pc.starts_with(pc.field(column), prefix)
    return set(table.to_table(columns=[column], filter=keep).column(0).to_pylist())
