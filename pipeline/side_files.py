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


def clear_temporaries(root: Place, owns: Iterable[Owned] = (), stores: Iterable[str] = ()) -> None:
    """Remove unfinished files from a run folder, from the folders of side files and from stores."""
    of_owned = (folder for owned in owns for folder in _folders(root, owned))
    of_stores = (folder for store in stores for folder in matching(root, store))
    for folder in {root, *of_owned, *of_stores}:
        for path in matching(folder, f"{TEMPORARY}*"):
            if path.is_dir():
                remove_all(path)
            else:
                path.unlink()


def names_in(table: pa.Table, owns: Iterable[Owned]) -> set[str]:
    """Give the side files that the rows of a part name and that a rebuild may remove."""
    owned = [each for each in owns if each.glob is not None]
    return {name for each in owned for name in files_of(table, each)[each.column].to_pylist()}


def files_of(table: pa.Table, owned: Owned) -> pa.Table:
    """Give the name, size and content id of each side file of the given rows, as recorded.

    Leaves out files that are stored in an archive. A file that several rows name has one row. The
    table of an earlier version may lack columns.
    """
    if owned.column not in table.column_names:
        return pa.table({owned.column: pa.array([], pa.string())})
    chosen = pc.is_valid(table[owned.column])
    if owned.inside is not None and owned.inside in table.column_names:
        chosen = pc.and_(chosen, pc.is_null(table[owned.inside]))
    columns = [name for name in (owned.column, owned.size, owned.digest) if name is not None]
    columns = [name for name in dict.fromkeys(columns) if name in table.column_names]
    rows = table.select(columns).filter(chosen)
    return rows.group_by(columns, use_threads=False).aggregate([])


def read_columns(part: Place, owns: Iterable[Owned]) -> pa.Table:
    """Read the columns of a part that `files_of` needs, as far as it has them."""
    with pq.ParquetFile(parquet_source(part)) as file:
        wanted = set(_columns_of(owns))
        return file.read([name for name in file.schema_arrow.names if name in wanted])


def _columns_of(owns: Iterable[Owned]) -> list[str]:
    named = (
        name
        for owned in owns
        for name in (owned.column, owned.size, owned.digest, owned.inside)
        if name is not None
    )
    return sorted({*named})


def names_in_part(part: Place, owns: Iterable[Owned]) -> set[str]:
    """Give the same for a part on disk; none if it is missing, damaged or of another schema."""
    owned = [each for each in owns if each.glob is not None]
    if not owned or not part.exists():
        return set()
    try:
        return names_in(read_columns(part, owned), owned)
    except (OSError, pa.ArrowException, LookupError):
        return set()


def sweep(root: Place, owns: Iterable[Owned], table: ds.Dataset, named: Iterable[str]) -> None:
    """Remove files that earlier parts ``named``, unless a row of ``table`` names them.

    Other files, which the user may have put there, stay.
    """
    globs = [owned.glob for owned in owns if owned.glob is not None]
    obsolete = {name for name in named if any(_matches(name, glob) for glob in globs)}
    swept = [owned for owned in owns if owned.glob is not None]
    for batch in table.to_batches(columns=_columns_of(swept)) if obsolete else ():
        obsolete -= names_in(pa.Table.from_batches([batch]), swept)
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
    owned, size_of = [*dict.fromkeys(each._replace(glob=None) for each in owns)], Sizes(root)
    return {
        place_of(fragment.path)
        for fragment in (table.get_fragments() if owned else ())
        if not _all_present(size_of, fragment.to_table(columns=_columns_of(owned)), owned)
    }


def _all_present(size_of: Sizes, part: pa.Table, owns: Iterable[Owned]) -> bool:
    for owned in owns:
        rows = files_of(part, owned)
        sizes = [None] * len(rows) if owned.size is None else rows[owned.size].to_pylist()
        for name, size in zip(rows[owned.column].to_pylist(), sizes, strict=True):
            there = size_of(name)
            if there is None or size not in (None, there):
                return False
    return True


def _folders(root: Place, owned: Owned) -> list[Place]:
    if owned.glob is None:
        return []
    parent = str(PurePosixPath(owned.glob).parent)
    return [root] if parent == "." else matching(root, parent)
