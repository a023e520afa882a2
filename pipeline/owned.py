"""The files that stages own beside their tables: which are missing, which nobody names."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.atomic import TEMPORARY

log = logging.getLogger(__name__)

_PATH_COLUMNS = ("filepath", "metapath")


def clear_temporaries(root: Path, owns: Iterable[str] = ()) -> None:
    """Remove unfinished files from a run folder and from the folders of the globs ``owns``."""
    for folder in {root, *_folders(root, owns)}:
        for path in folder.glob(f"{TEMPORARY}*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def sweep(root: Path, owns: Iterable[str], table: ds.Dataset) -> None:
    """Remove the owned files that no row of ``table`` names, a folder at a time."""
    columns = [name for name in _PATH_COLUMNS if name in table.schema.names]
    removed = 0
    for glob in owns:
        for folder in _folders(root, [glob]):
            prefix = "" if folder == root else f"{folder.relative_to(root)}/"
            named = {path for column in columns for path in _paths(table, column, prefix)}
            for path in folder.glob(Path(glob).name):
                if str(path.relative_to(root)) not in named:
                    path.unlink()
                    removed += 1
    if removed:
        log.info("removed %d files that the rebuilt table does not name", removed)


def _folders(root: Path, owns: Iterable[str]) -> list[Path]:
    parents = [str(Path(glob).parent) for glob in owns]
    return [
        folder
        for parent in parents
        for folder in ([root] if parent == "." else sorted(root.glob(parent)))
    ]


def parts_without_files(root: Path, owns: Iterable[str], table: ds.Dataset) -> list[Path]:
    """Give the part files of ``table`` that name a file which is not there.

    Counts first, for that is quick: only where fewer files are there than rows name are the names
    compared.
    """
    owns = list(owns)
    columns = [name for name in _PATH_COLUMNS if name in table.schema.names][-1:]
    if not owns or not columns:
        return []
    named = table.count_rows(filter=pc.field(columns[0]).is_valid())
    if sum(1 for glob in owns for _ in root.glob(glob)) >= named:
        return []
    return [
        Path(fragment.path)
        for fragment in table.get_fragments()
        if any(
            path is not None and not (root / path).is_file()
            for path in fragment.to_table(columns=columns).column(0).to_pylist()
        )
    ]


def _paths(table: ds.Dataset, column: str, prefix: str) -> list[str]:
    keep = pc.starts_with(pc.field(column), prefix)
    found: list[str] = table.to_table(columns=[column], filter=keep).column(0).to_pylist()
    return found
