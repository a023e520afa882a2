"""Runs a recipe: which shards remain and why, run them, failures, totals from disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import RunConfig
from pipeline.errors import ConfigError, InputError, ItemsFailed, StorageError
from pipeline.events import Event, ShardFailed, ShardFinished, StageFinished, StageStarted
from pipeline.executors import Executor, ProcessExecutor, SerialExecutor
from pipeline.manifest import (
    Receipt,
    Recipe,
    TableFolder,
    differences,
    fingerprint_of,
    open_run,
    recipe_of,
    totals,
)
from pipeline.owned import clear_temporaries, parts_without_files, sweep
from pipeline.schema import STATUS_FAILED, STATUS_OK, conform
from pipeline.stage import DatasetStage, ShardStage, Stage, StageConfig
from pipeline.work import Failure, Identity, Job, make_shard, write_part

Emit = Callable[[Event], None]


def run(
    recipe: Sequence[Stage],
    config: RunConfig,
    root: Path,
    emit: Emit,
    *,
    only: Collection[str] = (),
    retry: bool = False,
) -> None:
    """Bring the stages up to date, in order; only those named, where any are.

    ``retry`` takes shards with failed rows for not done. Raises `ItemsFailed` at the end where
    shards or rows failed; bad input and a full disk stop the run at once.
    """
    failed: list[str] = []
    with open_run(root), _executor(config) as executor:
        clear_temporaries(root)
        for stage in recipe:
            if only and stage.name not in only:
                continue
            _check_upstream(recipe, stage, root)
            block = config.stages[stage.name]
            if isinstance(stage, ShardStage):
                failed += _run_shards(stage, block, root, executor, emit, retry)
            elif _incomplete(stage, root):
                failed.append(f"{stage.name}: not run, for it needs the shards that failed")
            else:
                _run_dataset(stage, block, root, emit)
            _check_something_left(stage, root)
    if failed:
        lines = "\n  ".join(failed)
        raise ItemsFailed(f"not everything is done:\n  {lines}\nTry these again with --retry.")


def _executor(config: RunConfig) -> Executor:
    if config.runner.executor == "serial":
        return SerialExecutor()
    return ProcessExecutor(config.runner.workers)


def _check_upstream(recipe: Sequence[Stage], stage: Stage, root: Path) -> None:
    writers = {other.writes.name: other.name for other in recipe}
    looked_up = stage.looks_up if isinstance(stage, ShardStage) else ()
    for table in (*stage.reads, *looked_up):
        if not TableFolder(root, table).receipts():
            writer = writers[table.name]
            raise ConfigError(f"{root} has nothing from {writer} for {stage.name}: run it first")


def _incomplete(stage: Stage, root: Path) -> bool:
    return any(TableFolder(root, table).manifest() is None for table in stage.reads)


def _check_something_left(stage: Stage, root: Path) -> None:
    """Stop where a stage let no row through: what follows could only fail less clearly."""
    folder = TableFolder(root, stage.writes)
    summary = totals(folder.receipts())
    if (
        folder.manifest() is None
        or summary.status.get(STATUS_OK)
        or summary.status.get(STATUS_FAILED)
    ):
        return
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.reasons.items())
    raise InputError(
        f"{stage.name} leaves none of {summary.rows:,} rows"
        + (f" ({reasons})" if reasons else "")
        + f": check its block and what it reads; its rows are in {root / 'tables'}"
    )


def _run_shards(
    stage: ShardStage,
    config: StageConfig,
    root: Path,
    executor: Executor,
    emit: Emit,
    retry: bool,
) -> list[str]:
    """Make the shards that are not done; give a line for each kind of failure."""
    started = time.monotonic()
    folder = TableFolder(root, stage.writes)
    recipe = recipe_of(stage, config)
    wanted = _wanted(stage, root, fingerprint_of(recipe))
    before = folder.receipts()
    robbed = parts_without_files(root, stage.owns, folder.dataset(before)) if before else []
    todo = [
        shard
        for shard, identity in wanted.items()
        if not _is_done(before.get(shard), identity, retry) or folder.part(shard) in robbed
    ]
    why = _why(folder, recipe, wanted, before, todo)
    emit(StageStarted(stage.name, len(wanted), len(wanted) - len(todo), why))
    failures: list[Failure] = []
    extra = folder.shards_on_disk() - wanted.keys()
    if todo or extra or folder.manifest() is None:
        resumed = folder.begin(recipe)
        for shard in todo:
            folder.revoke(shard)
        for shard in extra:
            folder.remove(shard)
        if resumed:
            clear_temporaries(root, stage.owns)
        jobs = [Job(stage, config, root, shard, wanted[shard]) for shard in todo]
        failures = _work(stage, executor, jobs, emit)
        if not failures:
            if resumed:
                sweep(root, stage.owns, folder.dataset())
            folder.finish(recipe, {})
    _emit_finished(stage, folder, len(todo), started, emit)
    return _failed_lines(stage, folder, failures)


def _wanted(stage: ShardStage, root: Path, fingerprint: str) -> dict[int, Identity]:
    """Give what each shard's receipt must say, for the shards that all inputs have."""
    parts = {table.name: TableFolder(root, table).receipts() for table in stage.reads}
    whole = {table.name: TableFolder(root, table).table_id() for table in stage.looks_up}
    shards = sorted(set.intersection(*(set(receipts) for receipts in parts.values())))
    return {
        shard: Identity(fingerprint, {name: parts[name][shard].output for name in parts} | whole)
        for shard in shards
    }


def _is_done(receipt: Receipt | None, wanted: Identity, retry: bool) -> bool:
    return (
        receipt is not None
        and receipt.fingerprint == wanted.fingerprint
        and receipt.inputs == wanted.inputs
        and not (retry and receipt.status.get(STATUS_FAILED))
    )


def _work(stage: ShardStage, executor: Executor, jobs: list[Job], emit: Emit) -> list[Failure]:
    failures = []
    for outcome in executor.map(make_shard, jobs):
        if isinstance(outcome, Receipt):
            emit(ShardFinished(stage.name, outcome.shard, outcome.rows, outcome.seconds))
            continue
        if isinstance(outcome.error, InputError | StorageError):
            raise outcome.error
        failures.append(outcome)
        emit(ShardFailed(stage.name, outcome.shard, outcome.message))
    return failures


def _run_dataset(stage: DatasetStage, config: StageConfig, root: Path, emit: Emit) -> None:
    """Make a whole table unless it is there."""
    started = time.monotonic()
    folder = TableFolder(root, stage.writes)
    recipe = recipe_of(stage, config)
    inputs = {table.name: TableFolder(root, table).table_id() for table in stage.reads}
    identity = Identity(fingerprint_of(recipe), inputs)
    before = folder.receipts()
    if _is_complete(stage, folder, root, identity):
        emit(StageStarted(stage.name, len(before), len(before), "done"))
        _emit_finished(stage, folder, 0, started, emit)
        return
    why = _why(folder, recipe, {0: identity}, before, [0])
    emit(StageStarted(stage.name, None, 0, why))
    datasets = {table.name: TableFolder(root, table).dataset() for table in stage.reads}
    parts = stage.run(**datasets, config=config, root=root)
    count = 0
    for count, table in enumerate(_begun(parts, stage, folder, recipe), start=1):
        result = conform(table, stage.writes, where=f"{stage.name} part {count - 1}")
        receipt = write_part(stage, root, count - 1, result, identity, started)
        emit(ShardFinished(stage.name, receipt.shard, receipt.rows, receipt.seconds))
    for shard in folder.shards_on_disk():
        if shard >= count:
            folder.remove(shard)
    clear_temporaries(root, stage.owns)
    sweep(root, stage.owns, folder.dataset())
    folder.finish(recipe, inputs)
    _emit_finished(stage, folder, count, started, emit)


def _begun(
    parts: Iterator[pa.Table], stage: DatasetStage, folder: TableFolder, recipe: Recipe
) -> Iterator[pa.Table]:
    """Pass the parts on; the folder is opened only once the first is there.

    So bad input, which shows before the first part, leaves the earlier table as it was.
    """
    first = next(parts, stage.writes.schema.empty_table())
    folder.begin(recipe)
    yield first
    yield from parts


def _is_complete(stage: DatasetStage, folder: TableFolder, root: Path, wanted: Identity) -> bool:
    manifest = folder.manifest()
    if manifest is None or manifest["fingerprint"] != wanted.fingerprint:
        return False
    if manifest["inputs"] != wanted.inputs or len(folder.receipts()) != manifest["parts"]:
        return False
    if not stage.owns:
        return True
    files = pc.unique(folder.dataset().to_table(columns=["filepath"]).column(0)).to_pylist()
    return all((root / file).is_file() for file in files)


def _why(
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
    return "continued"


def _emit_finished(stage: Stage, folder: TableFolder, ran: int, started: float, emit: Emit) -> None:
    summary = totals(folder.receipts())
    seconds = time.monotonic() - started
    emit(StageFinished(stage.name, summary.rows, summary.status, summary.reasons, ran, seconds))


def _failed_lines(stage: Stage, folder: TableFolder, failures: Sequence[Failure]) -> list[str]:
    """Name what failed in a stage: shards with their error, rows with their reasons."""
    lines = [f"{stage.name} shard {item.shard}: {item.message}" for item in failures]
    receipts = folder.receipts()
    for shard, receipt in receipts.items():
        if count := receipt.status.get(STATUS_FAILED):
            lines.append(
                f"{stage.name} shard {shard}: {count} rows failed; see {folder.part(shard)}"
            )
    return lines
