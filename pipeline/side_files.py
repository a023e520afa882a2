"""The files that stages write beside their tables: finds missing ones, removes obsolete ones."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

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


def names_in(table: pa.Table, owns: Iterable[Owned]) -> set[str]:
    """Give the side files that the rows of a part name and that a rebuild may remove."""
    columns = {owned.column for owned in owns if owned.glob is not None}
    names = {name for column in columns for name in table[column].to_pylist()}
    return names - {None}


def names_in_part(part: Path, owns: Iterable[Owned]) -> set[str]:
    """Give the same for a part on disk; none if it is missing, damaged or of another schema."""
    owned = [each for each in owns if each.glob is not None]
    if not owned or not part.exists():
        return set()
    try:
        columns = sorted({each.column for each in owned})
        return names_in(pq.read_table(part, columns=columns, partitioning=None), owned)
    except (OSError, pa.ArrowException, LookupError):
        return set()


def sweep(root: Path, owns: Iterable[Owned], table: ds.Dataset, named: Iterable[str]) -> None:
    """Remove files that earlier parts ``named``, unless a row of ``table`` names them.

    Other files, which the user may have put there, stay.
    """
    globs = [owned.glob for owned in owns if owned.glob is not None]
    obsolete = {name for name in named if any(_matches(name, glob) for glob in globs)}
    columns = sorted({owned.column for owned in owns if owned.glob is not None})
    for batch in table.to_batches(columns=columns) if obsolete else ():
        for column in batch.columns:
            obsolete.difference_update(column.to_pylist())
    found = [path for name in sorted(obsolete) if (path := root / name).is_file()]
    for path in found:
        path.unlink()
    if found:
        log.info("removed %d files that the rebuilt table does not name", len(found))


def _matches(name: str, glob: str) -> bool:
    path = PurePosixPath(name)
    return len(path.parts) == len(PurePosixPath(glob).parts) and path.match(glob)


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
