"""A run folder: the tables of a run by name, and the lock for one process at a time.

<run>/tables/<table>/          parts, receipts and manifest: see `pipeline.manifest`
_disabled_stages.json    the stages that the last config disabled
_run.json                marks the folder as a run
_lock                    locked by the process that works here, or shared by runs of some shards
summary.json             the rows of each stage, after the last command
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.atomic import read_sealed_json, write_sealed_json
from pipeline.errors import ConfigError, InputError
from pipeline.locks import exclusive_lock, lock_holder, shared_lock
from pipeline.manifest import TableFolder
from pipeline.out_folder import RUN_MARKER, is_run
from pipeline.schema import Table
from pipeline.storage import Place, matching, place_of

_LOCK, _DISABLED = "_lock", "_disabled_stages.json"
_SUMMARY = "summary.json"
OWN_CONFIG = "config.yaml"
"""The config of a run that was given an area: it lies in the folder before the run begins."""
_ALLOWED = (_LOCK, OWN_CONFIG)


@dataclass(frozen=True)
class Run:
    """A run folder; ``Run(Path("my_run")).table("captions")`` opens a table in a notebook.

    It contains only the place and reads the state on disk each time, so it can be sent to worker
    processes.
    """

    root: Place

    @property
    def tables(self) -> list[str]:
        """The names of the complete tables, in alphabetical order."""
        names = [path.name for path in matching(self.root / "tables", "*")]
        return [name for name in names if TableFolder(self.root, name).is_whole()]

    def table(self, name: str) -> ds.Dataset:
        """Open a complete table by name; its schema comes from its files.

        Raises `InputError` that names the complete tables if this one is missing or unfinished.
        """
        folder = TableFolder(self.root, name)
        if not folder.is_whole():
            if isinstance(self.root, Path) and not self.root.is_dir():
                raise InputError(f"{self.root}: there is no such folder of a run")
            raise InputError(
                f"{self.root}: has no complete table {name!r} (complete tables: "
                f"{', '.join(self.tables) or 'none'}); skyscript run makes the tables"
            )
        return folder.dataset()

    def table_of_today(self, table: Table) -> ds.Dataset:
        """Open a complete table with its schema of today: columns that its files lack are null.

        Raises `InputError` as `table` does.
        """
        self.table(table.name)
        return self.folder(table).dataset()

    def table_if_whole(self, name: str) -> ds.Dataset | None:
        """Open a table by name if it is complete; None if it is missing or unfinished."""
        folder = TableFolder(self.root, name)
        return folder.dataset() if folder.is_whole() else None

    def folder(self, table: Table) -> TableFolder:
        """Give the folder of a table, complete or not."""
        return TableFolder(self.root, table.name, table.schema, table.ranges)

    def datasets(self, tables: Iterable[Table]) -> dict[str, ds.Dataset]:
        """Open tables as datasets, by name."""
        return {table.name: self.folder(table).dataset() for table in tables}

    def parts(self, tables: Iterable[Table], shard: int) -> dict[str, pa.Table]:
        """Read one part of each table, by the table's name."""
        return {table.name: self.folder(table).read(shard) for table in tables}

    def table_ids(self, tables: Iterable[Table]) -> dict[str, str]:
        """Give the content id of each table, by the table's name."""
        return {table.name: self.folder(table).table_id() for table in tables}

    def incomplete(self, tables: Iterable[Table]) -> list[str]:
        """Give the names of the tables that are missing or unfinished."""
        return [table.name for table in tables if not self.folder(table).is_whole()]

    def exists(self) -> bool:
        """Tell whether the folder is marked as a run."""
        return is_run(self.root)

    def disabled_stages(self) -> list[str]:
        """Give the names of the stages that the config of the last whole run disabled."""
        recorded = read_sealed_json(self.root / _DISABLED)
        return recorded["stages"] if recorded else []

    def knows_disabled_stages(self) -> bool:
        """Tell whether it is recorded which stages the config disables."""
        return read_sealed_json(self.root / _DISABLED) is not None

    def record_disabled_stages(self, names: Iterable[str]) -> None:
        """Record which stages the config disables, for `disabled_stages`."""
        write_sealed_json(self.root / _DISABLED, {"stages": sorted(names)})

    def state_files(self) -> list[Place]:
        """Give the files of state beside the tables."""
        names = (RUN_MARKER, _DISABLED, _SUMMARY)
        return [path for name in names if (path := self.root / name).exists()]

    def worker(self) -> str | None:
        """Say which process works in the folder now; None if no process does."""
        return lock_holder(self.root / _LOCK)

    def write_summary(self, summary: Mapping[str, object]) -> None:
        """Write the summary of the run, unless it is there already."""
        if read_sealed_json(self.root / _SUMMARY) != summary:
            write_sealed_json(self.root / _SUMMARY, summary)

    @contextmanager
    def locked_unchanged(self) -> Iterator[None]:
        """Lock the folder of a run for one process, without writing the mark of a run."""
        with exclusive_lock(self.root / _LOCK):
            yield

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Lock the folder of a run against `locked`, but not against other calls of this method.

        Raises `ConfigError` if there is no run, `LockError` if another process works in it alone.
        """
        if not self.exists():
            raise ConfigError(
                f"{self.root}: is not the folder of a run; --shards needs one, with the tables "
                "before the first stage that works part by part"
            )
        with shared_lock(self.root / _LOCK):
            yield

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder for one process; make it if it is missing.

        Raises `ConfigError` if the folder contains other files, `LockError` if it is in use.
        """
        root = place_of(self.root)
        if root.exists() and not root.is_dir():
            raise ConfigError(f"{root}: is a file; choose a folder for the run")
        if root.exists() and not self.exists() and _has_other_files(root):
            raise ConfigError(f"{root}: contains files but no run; choose a new or an empty folder")
        with exclusive_lock(root / _LOCK):
            if read_sealed_json(root / RUN_MARKER) is None:
                marker = {"skyscript": importlib.metadata.version("skyscript")}
                write_sealed_json(root / RUN_MARKER, marker)
            yield


def _has_other_files(root: Place) -> bool:
    return any(path.name not in _ALLOWED for path in root.iterdir())
