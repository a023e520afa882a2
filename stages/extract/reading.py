"""Reads the OSM files into scratch files, in a child process: a crash of libosmium ends only that.

The scratch files are ``objects``, ``shapes`` and ``outers`` (see `Rows`), and ``rejected``: the
relations of which libosmium assembled no area, each with the reason or its repaired area.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import shapely

from pipeline.child import ChildDiedError, Place, preload, run_in_child
from pipeline.errors import InputError, SkyScriptError, StorageError
from pipeline.scratch import ScratchParquet, database, view
from skyscript.geo.tile import Box
from skyscript.osm.blocks.errors import NotTakenError
from skyscript.osm.crash import where_it_crashes
from skyscript.osm.file import OsmFile, with_copies
from skyscript.osm.merge import open_files
from skyscript.osm.node_index import IndexChoice
from skyscript.osm.rejected import Rejected, explain_rejected
from stages import tables
from stages.extract.by_blocks import Shards, read_relations
from stages.extract.geometries import invalid
from stages.extract.rows import Rows, placed

log = logging.getLogger(__name__)

SCRATCH = ("objects", "shapes", "outers", "rejected")

REJECTED_AT_ONCE = 10_000
"""Relations whose ways are in memory at once while it is found out why they have no area."""
_WITHOUT_AREA = """
    SELECT osm_id FROM objects
    WHERE kind = 'r' AND reason IS NULL AND osm_id NOT IN (SELECT osm_id FROM shapes)
    ORDER BY osm_id
"""
_TWICE = "SELECT 1 FROM objects GROUP BY kind, osm_id HAVING count(*) > 1 LIMIT 1"

REJECTED_FILE = pa.schema(
    [pa.field("osm_id", pa.int64()), pa.field("is_repaired", pa.bool_()), *tables.PLACED]
)


@dataclass(frozen=True)
class Reading:
    """The files to read, and the options of the reader."""

    inputs: Sequence[tuple[Path, str]]
    """Files with their formats."""
    keys: Collection[str]
    """Keys of the objects that are read."""
    node_index: IndexChoice = "auto"
    repairs: bool = False
    """Whether multipolygons that libosmium rejects are repaired."""
    shards: Shards | None = None
    """What the shards have read of the only input; None if libosmium must read all of it."""

    @property
    def names(self) -> str:
        """The files, for messages."""
        return " + ".join(str(path) for path, _ in self.inputs)


class Outcome(NamedTuple):
    """The result of reading, besides the scratch files."""

    bounds: list[Box]
    """The bounds that the inputs state."""
    left: str | None
    """Why libosmium read all, though there were shards: their objects are among the scratch files,
    too."""


def read_files(reading: Reading, folder: Path) -> Outcome:
    """Write the scratch files.

    Raises `InputError` or `StorageError` if an input cannot be read.
    """
    preload("osmium", "duckdb")
    try:
        return run_in_child(read_here, reading, folder)
    except ChildDiedError as death:
        raise _explain(death, reading, folder) from death


def _explain(death: ChildDiedError, reading: Reading, folder: Path) -> SkyScriptError:
    """Give the error for a death of the reader: it names the file and the place in it."""
    names = reading.names
    if death.signal is None:
        return SkyScriptError(
            f"{names}: the process that reads it {death.how} (exit code {death.exit_code}): a "
            'script that extracts must do so below `if __name__ == "__main__":`'
        )
    if death.signal == signal.SIGKILL:
        return InputError(
            f"{names}: the process that reads it {death.how}: set `extract.node_index: "
            "sparse_file`, or read a smaller extract"
        )
    if death.signal == signal.SIGBUS:
        return StorageError(f"{folder}: the disk is full, or was lost, while {names} was read")
    log.info("the reader %s: looking for the place in the file", death.how)
    for path, file_format in reading.inputs:
        if place := where_it_crashes(path, file_format):
            return InputError(
                f"{path}: libosmium {death.how} at {place}: the file is damaged there; fetch it "
                "again, or correct the object"
            )
    return InputError(
        f"{names}: libosmium {death.how}, but every single object can be read: most likely a "
        "relation holds what no area may hold; try an older or a newer extract"
    )


def read_here(_: Place, reading: Reading, folder: Path) -> Outcome:
    """Write the scratch files in this process, which libosmium may end."""
    source, left = _read_all(reading, folder)
    with database(folder) as connection:
        for name in ("objects", "shapes"):
            view(connection, name, folder / f"{name}.parquet")
        ids = [row[0] for row in connection.sql(_WITHOUT_AREA).fetchall()]
    with ScratchParquet(folder / "rejected.parquet", REJECTED_FILE) as file:
        for start in range(0, len(ids), REJECTED_AT_ONCE):
            some = ids[start : start + REJECTED_AT_ONCE]
            file.write(_rejected(explain_rejected(source, some, repair=reading.repairs)))
    return Outcome(source.bounds, left)


def _rejected(found: Mapping[int, Rejected]) -> dict[str, pa.Array]:
    """Give the columns of rejected relations."""
    areas = np.array([each.area for each in found.values()], dtype=object)
    reasons = invalid(areas)
    lost = shapely.is_missing(areas)
    reasons[lost] = [each.reason for each in found.values() if each.area is None]
    repaired = [each.is_repaired for each in found.values()]
    return {
        "osm_id": pa.array(found, pa.int64()),
        "is_repaired": pa.array(repaired, pa.bool_()),
        **placed(areas, reasons),
    }


def _read_all(reading: Reading, folder: Path) -> tuple[OsmFile, str | None]:
    """Read the objects; give the file that tells why relations are no areas."""
    left = None
    if reading.shards is not None:
        ((path, file_format),) = reading.inputs
        try:
            return read_relations(reading.shards, path, file_format, reading.keys, folder), None
        except NotTakenError as reason:
            left = str(reason)
    source = open_files(reading.inputs, folder, reading.node_index)
    with_copies(lambda: _read(source, reading.keys, folder))
    return source, left


def _read(source: OsmFile, keys: Collection[str], folder: Path) -> None:
    """Read the file; raise `NeedsCopyError` if it must be sorted first."""
    with Rows(folder) as rows:
        source.read(keys, rows)
    with database(folder) as connection:
        view(connection, "objects", folder / "objects.parquet")
        if connection.sql(_TWICE).fetchall():
            raise source.not_in_order()
    if rows.lacking and source.holds_node(rows.lacking):
        raise source.not_in_order()
