"""Compares a stage with its state on disk: finds the parts to make, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.manifest import Recipe, TableFolder, differences
from pipeline.receipts import Receipt, Totals, totals
from pipeline.run import Run
from pipeline.schema import STATUS_FAILED
from pipeline.side_files import parts_without_files
from pipeline.stage import DatasetStage, ShardStage, Stage

_KEYS_SHOWN = 5
"""The number of failed keys in a message for each reason; the table has all of them."""


@dataclass(frozen=True)
class Retry:
    """The failed rows to make again."""

    errors: frozenset[str] = frozenset()
    """The classes of error to retry; empty: every class."""

    def select(self, part: pa.Table) -> pa.ChunkedArray:
        """Give a mask of the rows of a part to make again."""
        failed = pc.equal(part.column("status"), STATUS_FAILED)
        if not self.errors:
            return failed
        if "error" not in part.column_names:
            return pc.and_(failed, False)
        chosen = pc.is_in(part.column("error"), pa.array(sorted(self.errors), pa.string()))
        return pc.and_(failed, chosen)


@dataclass(frozen=True)
class Identity:
    """The fingerprint and inputs of a part; the receipt of a finished part has the same ones."""

    fingerprint: str
    inputs: Mapping[str, str]


def find_wanted_parts(stage: ShardStage, run: Run, fingerprint: str) -> dict[int, Identity]:
    """Give the identity of each shard's part, for the shards that all inputs have."""
    parts = {table.name: run.folder(table).receipts() for table in stage.reads}
    whole = run.table_ids(stage.looks_up)
    shards = sorted(set.intersection(*(set(receipts) for receipts in parts.values())))
    return {
        shard: Identity(fingerprint, {name: parts[name][shard].output for name in parts} | whole)
        for shard in shards
    }


def is_done(receipt: Receipt | None, wanted: Identity) -> bool:
    """Tell whether a part has the wanted identity, whether or not it has failed rows."""
    return (
        receipt is not None
        and receipt.fingerprint == wanted.fingerprint
        and receipt.inputs == wanted.inputs
    )


def find_parts_to_retry(
    folder: TableFolder, receipts: Mapping[int, Receipt], retry: Retry
) -> set[int]:
    """Give the parts that have failed rows to make again."""
    failed = [shard for shard, receipt in receipts.items() if receipt.status.get(STATUS_FAILED)]
    return {shard for shard in failed if pc.any(retry.select(folder.read(shard))).as_py()}


def is_complete(stage: DatasetStage, run: Run, wanted: Identity) -> bool:
    """Tell whether a dataset stage's table has the wanted identity, all parts and side files."""
    folder = run.folder(stage.writes)
    manifest = folder.manifest()
    if manifest is None or manifest["fingerprint"] != wanted.fingerprint:
        return False
    if manifest["inputs"] != wanted.inputs or len(folder.receipts()) != manifest["parts"]:
        return False
    return not parts_without_files(run.root, stage.owns, folder.dataset())


def is_current(stage: Stage, run: Run) -> bool:
    """Tell whether a stage's table is complete and was made from its inputs as they are now."""
    folder = run.folder(stage.writes)
    manifest = folder.manifest()
    if manifest is None or run.incomplete(stage.inputs):
        return False
    if isinstance(stage, DatasetStage):
        return bool(manifest["inputs"] == run.table_ids(stage.reads))
    receipts = folder.receipts()
    wanted = find_wanted_parts(stage, run, manifest["fingerprint"])
    return all(is_done(receipts.get(shard), wanted[shard]) for shard in wanted)


def explain_work(
    folder: TableFolder,
    recipe: Recipe,
    wanted: Mapping[int, Identity],
    before: Mapping[int, Receipt],
    todo: Sequence[int],
) -> str:
    """Describe for the user why parts must be made."""
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


def stage_totals(stage: Stage, run: Run, shards: Container[int] | None = None) -> Totals:
    """Sum up a stage's receipts, without the reasons that its rows had before the stage."""
    summary = totals(_choose(run.folder(stage.writes).receipts(), shards))
    if not isinstance(stage, ShardStage) or not stage.reads[0].has_status:
        return summary
    before = totals(_choose(run.folder(stage.reads[0]).receipts(), shards)).reasons
    own = {reason: count - before.get(reason, 0) for reason, count in summary.reasons.items()}
    return replace(summary, reasons={reason: n for reason, n in own.items() if n > 0})


def _choose(receipts: Mapping[int, Receipt], shards: Container[int] | None) -> dict[int, Receipt]:
    """Give the receipts of some shards; None: of all."""
    return {s: receipt for s, receipt in receipts.items() if shards is None or s in shards}


def describe_failed_rows(stage: Stage, run: Run, shards: Container[int] | None = None) -> list[str]:
    """Describe the rows that failed in a stage: a line for each reason, with some of the keys."""
    own = stage_totals(stage, run, shards)
    if not own.status.get(STATUS_FAILED):
        return []
    table = stage.writes
    counts: Counter[tuple[str, str]] = Counter()
    keys: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    failed = pc.field("status") == STATUS_FAILED
    columns = [table.key, "reason", *(["error"] if table.has_error else [])]
    folder = run.folder(table)
    parts = folder.dataset(_choose(folder.receipts(), shards))
    for batch in parts.to_batches(columns=columns, filter=failed):
        for key, reason, *error in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            kind = (reason, f" ({error[0]})" if error and error[0] else "")
            counts[kind] += 1
            if len(keys[kind]) < _KEYS_SHOWN:
                keys[kind].append(str(key))
    return [
        f"{stage.name}: {count:,} rows failed{error}, {reason}: {', '.join(keys[reason, error])}"
        + (" ..." if count > _KEYS_SHOWN else "")
        for (reason, error), count in counts.items()
        if reason in own.reasons
    ]


def count_errors(stages: Iterable[Stage], run: Run) -> Counter[str]:
    """Count the failed rows of some stages by their class of error."""
    counts: Counter[str] = Counter()
    for stage in stages:
        folder = run.folder(stage.writes)
        if stage.writes.has_error and folder.receipts():
            failed = pc.field("status") == STATUS_FAILED
            errors = folder.dataset().to_table(columns=["error"], filter=failed).column(0)
            counts.update(error for error in errors.to_pylist() if error)
    return counts
