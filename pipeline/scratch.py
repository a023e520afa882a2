"""Temporary tables on disk, for stages that work on whole datasets.

DuckDB spills sorts and joins into the same folder, so that memory stays below `MEMORY`.
"""

from __future__ import annotations

import glob
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.atomic import TEMPORARY, make_folder, storage
from pipeline.errors import StorageError
from pipeline.storage import Place

if TYPE_CHECKING:
    import duckdb

MEMORY = "1GB"
"""Memory limit of DuckDB; beyond it, DuckDB spills into the scratch folder."""
THREADS = 2


@contextmanager
def scratch(root: Place, name: str) -> Iterator[Path]:
    """Give an empty folder in a run folder; it is removed at the end, also after an error.

    For a run in a bucket, it is in the folder of this machine for temporary files (TMPDIR).
    """
    if not isinstance(root, Path):
        with tempfile.TemporaryDirectory(prefix="skyscript-") as other:
            yield Path(other)
        return
    folder = root / f"{TEMPORARY}{name}"
    with storage(folder):
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


class ScratchParquet:
    """A Parquet file in a scratch folder, written piece by piece."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self._schema = schema
        # Read once and thrown away: what is quick to write. A dictionary helps with texts only.
        texts = [name for field in schema for name in _texts(field)]
        self._writer = pq.ParquetWriter(
            path, schema, compression="lz4", use_dictionary=texts, write_statistics=False
        )

    def write(self, columns: dict[str, pa.Array]) -> None:
        """Append rows; ``columns`` has a column for each name of the schema."""
        arrays = [columns[name] for name in self._schema.names]
        self.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def write_table(self, table: pa.Table) -> None:
        """Append the rows of a table of the same schema."""
        self._writer.write_table(table)

    def __enter__(self) -> ScratchParquet:
        """Give the open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._writer.close()


def _texts(field: pa.Field) -> list[str]:
    """Give the Parquet columns of a field that hold texts."""
    if pa.types.is_map(field.type):
        return [f"{field.name}.key_value.{name}" for name in ("key", "value")]
    return [field.name] if pa.types.is_string(field.type) else []


@contextmanager
def database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open DuckDB for queries on files in a scratch folder.

    Raises `StorageError` if the disk or the memory is too small for a sort or a join.
    """
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "threads": THREADS,
        "temp_directory": str(folder / "spill"),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
    }
    with storage(folder), duckdb.connect(config=settings) as connection:
        try:
            yield connection
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise StorageError(
                f"{folder}: DuckDB has too little disk or memory for a sort or a join: "
                f"{str(error).splitlines()[0]}"
            ) from error


@contextmanager
def one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let queries run in one thread that stream rows in order from or to Python.

    A second thread waits for the first one, and costs up to a third more CPU for that.
    """
    connection.execute("SET threads = 1")
    try:
        yield
    finally:
        connection.execute(f"SET threads = {THREADS}")


def view(connection: duckdb.DuckDBPyConnection, name: str, *paths: Path) -> None:
    """Make Parquet files available to queries as a view of this name.

    It has the columns of the first file, which the others must have, too.
    """
    connection.read_parquet([glob.escape(str(path)) for path in paths]).create_view(name)


def cut_into_parts(pieces: Iterable[pa.RecordBatch | pa.Table], rows: int) -> Iterator[pa.Table]:
    """Cut a stream of rows into tables of ``rows`` rows; the last one has the rest."""
    pending: list[pa.Table] = []
    count = 0
    for piece in pieces:
        table = piece if isinstance(piece, pa.Table) else pa.Table.from_batches([piece])
        while count + len(table) >= rows:
            yield pa.concat_tables([*pending, table.slice(0, rows - count)]).combine_chunks()
            table = table.slice(rows - count)
            pending, count = [], 0
        if len(table):
            pending.append(table)
            count += len(table)
    if pending:
        yield pa.concat_tables(pending).combine_chunks()
