"""The files that stages write beside their tables: finds missing ones, removes obsolete ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.atomic import TEMPORARY
from pipeline.parquet_files import parquet_source
from pipeline.stage import Owned
from pipeline.storage import Place, Sizes, matching, place_of, remove_all

log = logging.getLogger(__name__)


def clear_temporaries(root: Place, owns: Iterable[Owned] = ()) -> None:
    """Remove unfinished files from a run folder and from the folders of side files."""
    for folder in {root, *(folder for owned in owns for folder in _folders(root, owned))}:
        for path in matching(folder, f"{TEMPORARY}*"):
            if path.is_dir():
                remove_all(path)
            else:
                path.unlink()


def names_in(table: pa.Table, owns: Iterable[Owned]) -> set[str]:
    """Give the side files that the rows of a part name and that a rebuild may remove."""
    columns = {owned.column for owned in owns if owned.glob is not None}
    names = {name for column in columns for name in table[column].to_pylist()}
    return names - {None}


def names_in_part(part: Place, owns: Iterable[Owned]) -> set[str]:
    """Give the same for a part on disk; none if it is missing, damaged or of another schema."""
    owned = [each for each in owns if each.glob is not None]
    if not owned or not part.exists():
        return set()
    try:
        columns = sorted({each.column for each in owned})
        return names_in(
            pq.read_table(parquet_source(part), columns=columns, partitioning=None), owned
        )
    except (OSError, pa.ArrowException, LookupError):
        return set()


def sweep(root: Place, owns: Iterable[Owned], table: ds.Dataset, named: Iterable[str]) -> None:
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


def parts_without_files(root: Place, owns: Iterable[Owned], table: ds.Dataset) -> set[Place]:
    """Give the part files of ``table`` with a row whose side file is missing or has another size.

    Checks each file once, part by part, so memory does not grow with the table.
    """
    columns, size_of = {(owned.column, owned.size) for owned in owns}, Sizes(root)
    return {
        place_of(fragment.path)
        for fragment in table.get_fragments()
        if not all(_all_present(size_of, fragment, *pair) for pair in columns)
    }


def _all_present(size_of: Sizes, part: ds.Fragment, column: str, size: str | None) -> bool:
    wanted = [column] if size is None else [column, size]
    rows = part.to_table(columns=wanted, filter=pc.field(column).is_valid())
    sizes = [None] * len(rows) if size is None else rows[size].to_pylist()
    found = map(size_of, rows[column].to_pylist())
    return all(
        there is not None and size in (None, there)
        for there, size in zip(found, sizes, strict=True)
    )


def _folders(root: Place, owned: Owned) -> list[Place]:
    if owned.glob is None:
        return []
    parent = str(PurePosixPath(owned.glob).parent)
    return [root] if parent == "." else matching(root, parent)
