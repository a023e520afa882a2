"""A run's state on disk: fingerprints, receipts, parts, and what is done or stale.

    <run>/tables/<table>/part-00012.parquet     appears by rename
                         _receipts/00012.json   then its receipt
                         _failures/00012.txt    the traceback of a shard that raised
                         _recipe.json           what the stage is being built with
                         _manifest.json         last, once every part is there

A part is done where its receipt carries the stage's fingerprint and the content ids of all that it
read. So a result that comes out the same, byte for byte, stops a rebuild there.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import platform
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.atomic import TEMPORARY, content_id, storage, write_bytes
from pipeline.errors import ConfigError, LockError
from pipeline.schema import Table
from pipeline.stage import Stage, StageConfig

Recipe = Mapping[str, Any]
"""What decides a stage's result, its inputs apart: plain JSON values."""

_LOCK = "_lock"
_ROW_GROUP = 4096
"""Rows a row group: small, so that a look-up by box reads little."""


def recipe_of(stage: Stage, config: StageConfig) -> Recipe:
    """Give what decides a stage's result: its name, version, config, schema, outside inputs."""
    return {
        "stage": stage.name,
        "version": stage.version,
        "config": config.identity(),
        "schema": [[f.name, str(f.type), f.nullable] for f in stage.writes.schema],
        "external": dict(stage.external(config)),
    }


def fingerprint_of(recipe: Recipe) -> str:
    """Give a recipe's digest."""
    return content_id(json.dumps(recipe, sort_keys=True, default=str).encode())


def differences(old: Recipe, new: Recipe, prefix: str = "") -> list[str]:
    """Name the fields in which two recipes differ, with both values."""
    found = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        name = f"{prefix}{key}".removeprefix("config.")
        if isinstance(before, dict) and isinstance(after, dict):
            found += differences(before, after, f"{prefix}{key}.")
        elif json.dumps(before, default=str) != json.dumps(after, default=str):
            found.append(f"{name} {_brief(before)} -> {_brief(after)}")
    return found


def _brief(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


@dataclass(frozen=True)
class Receipt:
    """What became of a shard; on disk beside its part, and the only source of totals."""

    stage: str
    shard: int
    fingerprint: str
    inputs: Mapping[str, str]
    """Content id of each part and table read."""
    output: str
    """Content id of the part."""
    size: int
    """Bytes of the part."""
    rows: int
    status: Mapping[str, int]
    reasons: Mapping[str, int]
    seconds: float
    host: str


class TableFolder:
    """A table's folder of parts, receipts and markers in a run."""

    def __init__(self, root: Path, table: Table) -> None:
        self.path = root / "tables" / table.name
        self.table = table
        self._manifest = self.path / "_manifest.json"
        self._recipe = self.path / "_recipe.json"

    def part(self, shard: int) -> Path:
        """Give the path of a part."""
        return self.path / f"part-{shard:05d}.parquet"

    def _receipt(self, shard: int) -> Path:
        return self.path / "_receipts" / f"{shard:05d}.json"

    def _failure(self, shard: int) -> Path:
        return self.path / "_failures" / f"{shard:05d}.txt"

    def receipts(self) -> dict[int, Receipt]:
        """Read the receipts of all parts that are there whole."""
        found = {}
        for shard in self.shards():
            content = _load(self._receipt(shard))
            if content is None:
                continue
            try:
                receipt = Receipt(**content)
            except TypeError:  # of another version, with other fields: the part is made again
                continue
            if self.part(shard).stat().st_size == receipt.size:
                found[shard] = receipt
        return found

    def shards(self) -> list[int]:
        """Number the parts that have a receipt."""
        return sorted(self._numbers("part-*.parquet") & self._numbers("_receipts/*.json"))

    def shards_on_disk(self) -> set[int]:
        """Number every part or receipt that is there."""
        return self._numbers("part-*.parquet") | self._numbers("_receipts/*.json")

    def _numbers(self, glob: str) -> set[int]:
        names = [path.stem.removeprefix("part-") for path in self.path.glob(glob)]
        return {int(name) for name in names if name.isdigit()}

    def table_id(self) -> str:
        """Give the content id of the whole table."""
        receipts = self.receipts()
        return content_id("".join(receipts[shard].output for shard in sorted(receipts)).encode())

    def dataset(self, shards: Iterable[int] | None = None) -> ds.Dataset:
        """Open the whole table, or some of its parts, in order."""
        chosen = self.shards() if shards is None else sorted(shards)
        files = [str(self.part(shard)) for shard in chosen]
        return ds.dataset(files, schema=self.table.schema, format="parquet")

    def read(self, shard: int) -> pa.Table:
        """Read a part."""
        return pq.read_table(self.part(shard), schema=self.table.schema, partitioning=None)

    def write(self, shard: int, table: pa.Table) -> tuple[str, int]:
        """Write a part unless it is there with the same bytes; give its content id and size."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", row_group_size=_ROW_GROUP)
        data = sink.getvalue().to_pybytes()
        part = self.part(shard)
        same = part.exists() and part.stat().st_size == len(data) and part.read_bytes() == data
        if not same:
            write_bytes(part, data)
        return content_id(data), len(data)

    def write_receipt(self, receipt: Receipt) -> None:
        """Declare a part done."""
        self._failure(receipt.shard).unlink(missing_ok=True)
        write_bytes(self._receipt(receipt.shard), _json(asdict(receipt)))

    def write_failure(self, shard: int, text: str) -> None:
        """Keep the traceback of a shard that raised."""
        write_bytes(self._failure(shard), text.encode())

    def revoke(self, shard: int) -> None:
        """Take a part's receipt back: it is to be made again."""
        self._receipt(shard).unlink(missing_ok=True)
        self._failure(shard).unlink(missing_ok=True)

    def remove(self, shard: int) -> None:
        """Remove a part that the table no longer has."""
        self.revoke(shard)
        self.part(shard).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the table."""
        shutil.rmtree(self.path, ignore_errors=True)

    def old_recipe(self) -> Recipe | None:
        """Give the recipe that the folder was last built with."""
        return _load(self._recipe)

    def begin(self, recipe: Recipe) -> bool:
        """Open the folder for work: the manifest and temporaries go, the recipe comes.

        Gives whether the folder was there before.
        """
        resumed = self.path.exists()
        with storage(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self.reopen()
        for path in [*self.path.glob(f"{TEMPORARY}*"), *self.path.glob(f"_*/{TEMPORARY}*")]:
            path.unlink()
        write_bytes(self._recipe, _json(recipe))
        return resumed

    def manifest(self) -> dict[str, Any] | None:
        """Give the manifest, or None while the table is not complete."""
        return _load(self._manifest)

    def is_whole(self) -> bool:
        """Tell whether the table was declared complete and has all of its parts."""
        manifest = self.manifest()
        return manifest is not None and len(self.receipts()) == manifest["parts"]

    def reopen(self) -> None:
        """Declare the table incomplete."""
        self._manifest.unlink(missing_ok=True)

    def finish(self, recipe: Recipe, inputs: Mapping[str, str]) -> None:
        """Declare the table complete: totals from the receipts, versions, inputs."""
        receipts = self.receipts()
        manifest = {
            "recipe": recipe,
            "fingerprint": fingerprint_of(recipe),
            "inputs": dict(inputs),
            "parts": len(receipts),
            **asdict(totals(receipts)),
            "versions": {"python": platform.python_version()}
            | {name: importlib.metadata.version(name) for name in ("skyscript", "pyarrow")},
        }
        write_bytes(self._manifest, _json(manifest))


@dataclass(frozen=True)
class Totals:
    """Sums over receipts."""

    rows: int
    status: Mapping[str, int]
    reasons: Mapping[str, int]


def totals(receipts: Mapping[int, Receipt]) -> Totals:
    """Sum receipts."""
    status: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for receipt in receipts.values():
        status.update(receipt.status)
        reasons.update(receipt.reasons)
    rows = sum(receipt.rows for receipt in receipts.values())
    return Totals(rows, dict(status.most_common()), dict(reasons.most_common()))


def _load(path: Path) -> dict[str, Any] | None:
    """Give what a file of state says; None where it is not there, or was cut short by a crash."""
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return content


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, default=str) + "\n").encode()


@contextmanager
def open_run(root: Path) -> Iterator[None]:
    """Hold a run folder for one run: made if missing, refused if it holds something else."""
    marker = root / "_run.json"
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root}: is a file; name a folder for the run")
    if root.exists() and not marker.exists() and any(p.name != _LOCK for p in root.iterdir()):
        raise ConfigError(f"{root}: holds files but no run; name a new or an empty folder")
    with storage(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / _LOCK).open("a+")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise LockError(f"{root}: {holder} is at work here; wait, or end it") from None
        with storage(root):
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {platform.node()}")
            lock.flush()
        if not marker.exists():
            write_bytes(marker, _json({"skyscript": importlib.metadata.version("skyscript")}))
        yield
