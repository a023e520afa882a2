"""A table's folder on disk (parts, receipts, manifest), and the recipe that decides its content.

    <run>/tables/<table>/part-00012.parquet     written by rename
                         _receipts/00012.json   its receipt, written after it
                         _failures/00012.txt    the traceback of a shard that raised
                         _dropped/00012.json    side files that earlier parts named, until removed
                         _recipe.json           what decides the stage's result
                         _ranges.json           values in each part: see `pipeline.part_ranges`
                         _manifest.json         written last, after all parts

A part is done if its receipt has the stage's fingerprint and the content ids of all its inputs. So
later stages are not rebuilt if a rebuilt table has the same bytes as before.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline import part_ranges
from pipeline.atomic import (
    TEMPORARY,
    content_id,
    read_sealed_json,
    storage,
    write_bytes,
    write_sealed_json,
)
from pipeline.parquet_files import open_parts, parquet_source
from pipeline.receipts import Receipt, numbered_files, read_receipts, totals
from pipeline.stage import Stage, StageConfig
from pipeline.storage import Place, matching, remove_all

Recipe = Mapping[str, Any]
"""Everything that decides a stage's result except the tables it reads, as plain JSON values."""

_ROW_GROUP = 4096
"""Rows in a row group: few, so that a bounding-box query reads little."""


def recipe_of(stage: Stage, config: StageConfig) -> Recipe:
    """Give a stage's recipe: name, version, config, schema, inputs from outside."""
    return {
        "stage": stage.name,
        "version": stage.version,
        "config": config.identity(),
        "schema": [[f.name, str(f.type), f.nullable] for f in stage.writes.schema],
        "external": dict(stage.external(config)),
    }


def fingerprint_of(recipe: Recipe) -> str:
    """Give the digest of a recipe."""
    return content_id(json.dumps(recipe, sort_keys=True, default=str).encode())


def differences(old: Recipe, new: Recipe, prefix: str = "") -> list[str]:
    """Give the fields that differ between two recipes, with both values."""
    found = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        name = f"{prefix}{key}".removeprefix("config.")
        if isinstance(before, dict) and isinstance(after, dict):
            found += differences(before, after, f"{prefix}{key}.")
        elif json.dumps(before, default=str) != json.dumps(after, default=str):
            found.append(f"{name} {_shorten(before)} -> {_shorten(after)}")
    return found


def _holds(path: Place, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False


def _shorten(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


class TableFolder:
    """The folder of one table in a run: parts, receipts and manifest.

    Without a schema, parts are read with their own: for readers that do not know the recipe.
    """

    def __init__(
        self,
        run: Place,
        name: str,
        schema: pa.Schema | None = None,
        ranges: tuple[str, ...] = (),
    ) -> None:
        self.path = run / "tables" / name
        self._schema = schema
        self._ranged_columns = ranges
        self._ranges = self.path / part_ranges.NAME
        self._receipts = self.path / "_receipts"
        self._manifest = self.path / "_manifest.json"
        self._recipe = self.path / "_recipe.json"

    def part(self, shard: int) -> Place:
        """Give the path of a part."""
        return self.path / f"part-{shard:05d}.parquet"

    def _receipt(self, shard: int) -> Place:
        return self._receipts / f"{shard:05d}.json"

    def _failure(self, shard: int) -> Place:
        return self.path / "_failures" / f"{shard:05d}.txt"

    def state_files(self) -> list[Place]:
        """Give the receipts, the recipe, the ranges and the manifest on disk."""
        paths = (self._recipe, self._ranges, self._manifest)
        state = [path for path in paths if path.exists()]
        return [*state, *matching(self.path, "_receipts/*.json")]

    def receipts(self) -> dict[int, Receipt]:
        """Read the receipts of all complete parts."""
        parts = numbered_files(self.path, "part-", ".parquet")
        return {
            shard: receipt
            for shard, receipt in self.all_receipts().items()
            if shard in parts and parts[shard].stat().st_size == receipt.size
        }

    def all_receipts(self) -> dict[int, Receipt]:
        """Read all receipts, also those of parts that are missing or have another size."""
        return read_receipts(self._receipts)

    def receipt_times(self) -> dict[int, float]:
        """Give the time at which each receipt was written, in seconds since 1970."""
        return {
            shard: file.stat().st_mtime
            for shard, file in numbered_files(self._receipts, "", ".json").items()
        }

    def shards(self) -> list[int]:
        """Give the numbers of the parts that have a receipt."""
        return sorted(self._part_numbers() & self._receipt_numbers())

    def shards_on_disk(self) -> set[int]:
        """Give the number of every part and every receipt on disk."""
        return self._part_numbers() | self._receipt_numbers()

    def _part_numbers(self) -> set[int]:
        return {*numbered_files(self.path, "part-", ".parquet")}

    def _receipt_numbers(self) -> set[int]:
        return {*numbered_files(self._receipts, "", ".json")}

    def table_id(self) -> str:
        """Give the content id of the table."""
        receipts = self.receipts()
        return content_id("".join(receipts[shard].output for shard in sorted(receipts)).encode())

    def dataset(self, shards: Iterable[int] | None = None) -> ds.Dataset:
        """Open the table, or some of its parts, in order."""
        chosen = self.shards() if shards is None else sorted(shards)
        return open_parts(map(self.part, chosen), self._schema)

    def read(self, shard: int) -> pa.Table:
        """Read a part."""
        # Parts are small: one thread reads them sooner than several that wait for each other.
        return pq.read_table(
            parquet_source(self.part(shard)),
            schema=self._schema,
            partitioning=None,
            use_threads=False,
            pre_buffer=False,
        )

    def write(self, shard: int, table: pa.Table) -> tuple[str, int]:
        """Write a part unless the same bytes are on disk; give its content id and size."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", row_group_size=_ROW_GROUP)
        data = sink.getvalue().to_pybytes()
        part = self.part(shard)
        if not _holds(part, data):
            write_bytes(part, data)
        return content_id(data), len(data)

    def write_receipt(self, receipt: Receipt) -> None:
        """Mark a part as done."""
        self._failure(receipt.shard).unlink(missing_ok=True)
        write_sealed_json(self._receipt(receipt.shard), receipt.fields())

    def write_failure(self, shard: int, text: str) -> None:
        """Record the traceback of a shard that raised."""
        write_bytes(self._failure(shard), text.encode())

    def revoke(self, shard: int) -> None:
        """Remove a part's receipt, so that the part is made again."""
        self._receipt(shard).unlink(missing_ok=True)
        self._failure(shard).unlink(missing_ok=True)

    def remove(self, shard: int) -> None:
        """Remove a part that no longer belongs to the table."""
        self.revoke(shard)
        self.part(shard).unlink(missing_ok=True)

    def record_dropped(self, shard: int, names: set[str]) -> None:
        """Record side files that a part named before, until `forget_dropped`."""
        path = self.path / "_dropped" / f"{shard:05d}.json"
        before = (read_sealed_json(path) or {"names": []})["names"]
        write_sealed_json(path, {"names": sorted(names.union(before))})

    def dropped(self) -> Iterator[str]:
        """Yield the side files that parts named before the table was rebuilt."""
        for path in matching(self.path, "_dropped/*.json"):
            yield from (read_sealed_json(path) or {"names": []})["names"]

    def forget_dropped(self) -> None:
        """Remove the record of side files that parts named before."""
        remove_all(self.path / "_dropped")

    def clear(self) -> None:
        """Remove the table."""
        remove_all(self.path)

    def old_recipe(self) -> Recipe | None:
        """Give the recipe of the last build; None if there is none."""
        recipe: Recipe | None = read_sealed_json(self._recipe)
        return recipe

    def begin(self, recipe: Recipe) -> bool:
        """Prepare the folder for a build; tell whether it existed before.

        Removes the manifest, and writes the recipe.
        """
        resumed = self.path.exists()
        with storage(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self.reopen()
        write_sealed_json(self._recipe, recipe)
        return resumed

    def clear_temporaries(self) -> None:
        """Remove unfinished files."""
        for pattern in (f"{TEMPORARY}*", f"_*/{TEMPORARY}*"):
            for path in matching(self.path, pattern):
                path.unlink()

    def restore_state(self, recipe: Recipe) -> None:
        """Write the recipe and the ranges of a build again if they are missing or damaged."""
        if self.old_recipe() is None:
            write_sealed_json(self._recipe, recipe)
        if self._ranged_columns and self.manifest() and read_sealed_json(self._ranges) is None:
            self._write_ranges()

    def _write_ranges(self) -> None:
        parts = [self.part(shard) for shard in self.shards()] if self._ranged_columns else []
        if parts:
            part_ranges.write_ranges(self.path, parts, self._ranged_columns)

    def manifest(self) -> dict[str, Any] | None:
        """Give the manifest; None while the table is not complete."""
        manifest: dict[str, Any] | None = read_sealed_json(self._manifest)
        return manifest

    def is_whole(self) -> bool:
        """Tell whether the table is complete: it has a manifest and all parts."""
        manifest = self.manifest()
        return manifest is not None and len(self.receipts()) == manifest["parts"]

    def reopen(self) -> None:
        """Mark the table as incomplete."""
        self._manifest.unlink(missing_ok=True)
        self._ranges.unlink(missing_ok=True)

    def finish(self, recipe: Recipe, inputs: Mapping[str, str]) -> None:
        """Mark the table as complete: write its totals, versions and inputs."""
        receipts = self.receipts()
        self._write_ranges()
        manifest = {
            "recipe": recipe,
            "fingerprint": fingerprint_of(recipe),
            "inputs": dict(inputs),
            "parts": len(receipts),
            **asdict(totals(receipts)),
            "versions": {"python": platform.python_version()}
            | {name: importlib.metadata.version(name) for name in ("skyscript", "pyarrow")},
        }
        write_sealed_json(self._manifest, manifest)
