"""What the state on disk says of a stage: what its parts must be, which are, and why not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.manifest import (
    Receipt,
    Recipe,
    TableFolder,
    Totals,
    differences,
    totals,
)
from pipeline.schema import STATUS_FAILED, Table
from pipeline.stage import DatasetStage, ShardStage, Stage

_NAMED = 5
"""Failed rows named for each reason; all are in the table."""


@dataclass(frozen=True)
class Retry:
    """Which failed rows to try again."""

    errors: frozenset[str] = frozenset()
    """Only those with one of these classes of error; empty: all."""

    def chosen(self, part: pa.Table) -> pa.ChunkedArray:
        """Give which rows of a part are meant."""
        failed = pc.equal(part.column("status"), STATUS_FAILED)
        if not self.errors:
            return failed
        if "error" not in part.column_names:
            return pc.and_(failed, False)
        meant = pc.is_in(part.column("error"), pa.array(sorted(self.errors), pa.string()))
        return pc.and_(failed, meant)


@dataclass(frozen=True)
class Identity:
    """What a part's receipt says of its origin."""

    fingerprint: str
    inputs: Mapping[str, str]


def inputs_of(stage: Stage) -> tuple[Table, ...]:
    """Give the tables that a stage reads or looks up."""
    return (*stage.reads, *(stage.looks_up if isinstance(stage, ShardStage) else ()))


def incomplete_inputs(stage: Stage, root: Path) -> list[str]:
    """Name the tables that a stage needs and that are not there whole."""
    return [table.name for table in inputs_of(stage) if not TableFolder(root, table).is_whole()]


def wanted_parts(stage: ShardStage, root: Path, fingerprint: str) -> dict[int, Identity]:
    """Give what each shard's receipt must say, for the shards that all inputs have."""
    parts = {table.name: TableFolder(root, table).receipts() for table in stage.reads}
    whole = {table.name: TableFolder(root, table).table_id() for table in stage.looks_up}
    shards = sorted(set.intersection(*(set(receipts) for receipts in parts.values())))
    return {
        shard: Identity(fingerprint, {name: parts[name][shard].output for name in parts} | whole)
        for shard in shards
    }


def is_done(receipt: Receipt | None, wanted: Identity) -> bool:
    """Tell whether a part is what is wanted, failed rows or not."""
    return (
        receipt is not None
        and receipt.fingerprint == wanted.fingerprint
        and receipt.inputs == wanted.inputs
    )


def to_retry(folder: TableFolder, receipts: Mapping[int, Receipt], retry: Retry) -> set[int]:
    """Give the parts that have failed rows of the kind that is to be tried again."""
    failed = [shard for shard, receipt in receipts.items() if receipt.status.get(STATUS_FAILED)]
    return {shard for shard in failed if pc.any(retry.chosen(folder.read(shard))).as_py()}


def is_complete(stage: DatasetStage, folder: TableFolder, root: Path, wanted: Identity) -> bool:
    """Tell whether a dataset stage's table and files are there and what is wanted."""
    manifest = folder.manifest()
    if manifest is None or manifest["fingerprint"] != wanted.fingerprint:
        return False
    if manifest["inputs"] != wanted.inputs or len(folder.receipts()) != manifest["parts"]:
        return False
    if not {"filepath", "byte_size"} <= set(stage.writes.schema.names):
        return True
    files = folder.dataset().to_table(columns=["filepath", "byte_size"]).to_pylist()
    return all(_is_whole(root / file["filepath"], file["byte_size"]) for file in files)


def _is_whole(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def is_current(stage: Stage, root: Path) -> bool:
    """Tell whether a stage's table is whole and was made from its inputs as they are now."""
    folder = TableFolder(root, stage.writes)
    manifest = folder.manifest()
    if manifest is None or incomplete_inputs(stage, root):
        return False
    if isinstance(stage, DatasetStage):
        inputs = {table.name: TableFolder(root, table).table_id() for table in stage.reads}
        return bool(manifest["inputs"] == inputs)
    receipts = folder.receipts()
    wanted = wanted_parts(stage, root, manifest["fingerprint"])
    return all(is_done(receipts.get(shard), wanted[shard]) for shard in wanted)


def why_work(
    folder: TableFolder,
    recipe: Recipe,
    wanted: Mapping[int, Identity],
    before: Mapping[int, Receipt],
    todo: Sequence[int],
) -> str:
    """Say in words why there is work."""
    if not todo:
        return "done"
    old = folder.old_recipe()
    if old is None:
        return "first run"
    if changed := differences(old, recipe):
        return "changed: " + ", ".join(changed)
    stale = [shard for shard in todo if shard in before]
    tables = sorted(
        {
            name
            for shard in stale
            for name, content in wanted[shard].inputs.items()
            if before[shard].inputs.get(name) != content
        }
    )
    if tables:
        return f"changed: {', '.join(tables)}"
    if stale and all(before[shard].status.get(STATUS_FAILED) for shard in stale):
        return f"failed rows in {len(stale)} parts"
    return f"{len(todo)} of {len(wanted)} parts to make"


def own_totals(stage: Stage, root: Path) -> Totals:
    """Sum a stage's receipts, without the reasons that its rows came with."""
    summary = totals(TableFolder(root, stage.writes).receipts())
    if not isinstance(stage, ShardStage) or not stage.reads[0].has_status:
        return summary
    brought = totals(TableFolder(root, stage.reads[0]).receipts()).reasons
    own = {reason: count - brought.get(reason, 0) for reason, count in summary.reasons.items()}
    return replace(summary, reasons={reason: n for reason, n in own.items() if n > 0})


def failed_rows(stage: Stage, root: Path) -> list[str]:
    """Name the rows that failed in a stage, by reason with some of their keys."""
    own = own_totals(stage, root)
    if not own.status.get(STATUS_FAILED):
        return []
    table = stage.writes
    counts: Counter[tuple[str, str]] = Counter()
    keys: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    failed = pc.field("status") == STATUS_FAILED
    columns = [table.key, "reason", *(["error"] if table.has_error else [])]
    dataset = TableFolder(root, table).dataset()
    for batch in dataset.to_batches(columns=columns, filter=failed):
        for key, reason, *error in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            kind = (reason, f" ({error[0]})" if error and error[0] else "")
            counts[kind] += 1
            if len(keys[kind]) < _NAMED:
                keys[kind].append(str(key))
    return [
        f"{stage.name}: {count:,} rows failed{error}, {reason}: {', '.join(keys[reason, error])}"
        + (" ..." if count > _NAMED else "")
        for (reason, error), count in counts.items()
        if reason in own.reasons
    ]


def errors_of_failed_rows(stages: Iterable[Stage], root: Path) -> Counter[str]:
    """Count the failed rows of some stages by their class of error."""
    counts: Counter[str] = Counter()
    for stage in stages:
        folder = TableFolder(root, stage.writes)
        if stage.writes.has_error and folder.receipts():
            failed = pc.field("status") == STATUS_FAILED
            errors = folder.dataset().to_table(columns=["error"], filter=failed).column(0)
            counts.update(error for error in errors.to_pylist() if error)
    return counts
