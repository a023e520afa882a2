"""The files that stages own beside their tables: which are missing, which nobody names."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.atomic import TEMPORARY
from pipeline.stage import Owned

log = logging.getLogger(__name__)


def clear_temporaries(root: Path, owns: Iterable[Owned] = ()) -> None:
    """Remove unfinished files from a run folder and from the folders of owned files."""
    for folder in {root, *(folder for owned in owns for folder in _folders(root, owned))}:
        for path in folder.glob(f"{TEMPORARY}*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def sweep(root: Path, owns: Iterable[Owned], table: ds.Dataset) -> None:
    """Remove the owned files that no row of ``table`` names, a folder at a time."""
    removed = 0
    for owned in owns:
        for folder in _folders(root, owned):
            prefix = "" if folder == root else f"{folder.relative_to(root)}/"
            named = set(_paths(table, owned.column, prefix))
            for path in folder.glob(Path(owned.glob).name):
                if path.is_file() and str(path.relative_to(root)) not in named:
                    path.unlink()
                    removed += 1
    if removed:
        log.info("removed %d files that the rebuilt table does not name", removed)


def parts_without_files(root: Path, owns: Iterable[Owned], table: ds.Dataset) -> set[Path]:
    """Give the part files of ``table`` that name a file which is not there, or cut short.

    Counts and sums bytes first, for that is quick: only where fewer files are there than rows name,
    or the bytes differ, are the names compared.
    """
    return {
        Path(fragment.path)
        for owned in owns
        if not _adds_up(root, owned, table)
        for fragment in table.get_fragments()
        if not _all_there(root, owned, fragment)
    }


def _adds_up(root: Path, owned: Owned, table: ds.Dataset) -> bool:
    named = _count(table, owned.column)
    if owned.size is None:
        return sum(1 for _ in root.glob(owned.glob)) >= named
    sizes = [path.stat().st_size for path in root.glob(owned.glob)]
    wanted = pc.sum(table.to_table(columns=[owned.size]).column(0)).as_py() or 0
    return len(sizes) == named and sum(sizes) == wanted


def _all_there(root: Path, owned: Owned, part: ds.Fragment) -> bool:
    if owned.size is None:
        return all((root / path).is_file() for path in _paths(part, owned.column, ""))
    named = part.to_table(
        columns=[owned.column, owned.size], filter=pc.field(owned.column).is_valid()
    )
    files = zip(*(column.to_pylist() for column in named.columns), strict=True)
    return all(
        (root / path).is_file() and (root / path).stat().st_size == size for path, size in files
    )


def _folders(root: Path, owned: Owned) -> list[Path]:
    parent = str(Path(owned.glob).parent)
    return [root] if parent == "." else sorted(root.glob(parent))


def _count(table: ds.Dataset, column: str) -> int:
    return int(table.count_rows(filter=pc.field(column).is_valid()))


def _paths(table: ds.Dataset | ds.Fragment, column: str, prefix: str) -> list[str]:
    keep = pc.starts_with(pc.field(column), prefix)
    found: list[str] = table.to_table(columns=[column], filter=keep).column(0).to_pylist()
    return found
