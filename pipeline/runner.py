"""Runs a recipe: which shards remain and why, run them, failures, totals from disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline import left_out
from pipeline.config import RunConfig
from pipeline.errors import ConfigError, InputError, ItemsFailed, StorageError
from pipeline.events import (
    Event,
    ShardFailed,
    ShardFinished,
    StageFinished,
    StageLeftOut,
    StageStarted,
)
from pipeline.executors import Executor, ProcessExecutor, SerialExecutor
from pipeline.manifest import (
    Receipt,
    Recipe,
    TableFolder,
    fingerprint_of,
    open_run,
    recipe_of,
    totals,
)
from pipeline.owned import clear_temporaries, parts_without_files, sweep
from pipeline.schema import STATUS_FAILED, STATUS_OK, conform
from pipeline.stage import DatasetStage, ShardStage, Stage, StageConfig
from pipeline.state import (
    Identity,
    Retry,
    errors_of_failed_rows,
    failed_rows,
    incomplete_inputs,
    is_complete,
    is_done,
    own_totals,
    to_retry,
    wanted_parts,
    why_work,
)
from pipeline.work import Failure, Job, make_shard, write_part

Emit = Callable[[Event], None]


def run(
    recipe: Sequence[Stage],
    config: RunConfig,
    root: Path,
    emit: Emit,
    *,
    only: Collection[str] = (),
    retry: Retry | None = None,
) -> None:
    """Bring the stages up to date, in order; only those named, where any are.

    ``retry`` makes failed rows again. Raises `ItemsFailed` at the end where shards or rows failed;
    bad input and a full disk stop the run at once.
    """
    failed: list[str] = []
    reasons = left_out.reasons(recipe, config.stages)
    used = left_out.in_use(recipe, reasons)
    chosen = [stage for stage in used if not only or stage.name in only]
    if not chosen:
        raise ConfigError("; ".join(reasons.values()) or "there is no stage to run")
    _check_errors(retry, chosen, root)
    # All at first: an input of the last stage that cannot be used shows before hours of work.
    recipes = {stage.name: recipe_of(stage, config.stages[stage.name]) for stage in chosen}
    with open_run(root), _executor(config) as executor:
        clear_temporaries(root)
        _say_left_out(recipe, reasons, emit)
        if len(chosen) == len(used):
            _remove_left_out(recipe, used, root)
        for stage in chosen:
            missing = incomplete_inputs(stage, root)
            if missing and not failed:
                raise ConfigError(
                    f"{stage.name} needs all of the table {missing[0]!r}, and {root} does not have "
                    f"it: run {_writer(recipe, missing[0])} first"
                )
            if missing and not _can_begin(stage, missing):
                TableFolder(root, stage.writes).reopen()
                failed.append(f"{stage.name}: not run, for {missing[0]!r} is not complete")
                continue
            block, made_of = config.stages[stage.name], recipes[stage.name]
            if isinstance(stage, ShardStage):
                failed += _run_shards(stage, block, made_of, root, executor, emit, retry)
            else:
                _run_dataset(stage, block, made_of, root, emit)
            _check_something_left(stage, root)
    if failed:
        lines = "\n  ".join(failed)
        raise ItemsFailed(f"not everything is done:\n  {lines}\nTry these again with --retry.")


def _say_left_out(recipe: Sequence[Stage], reasons: Mapping[str, str], emit: Emit) -> None:
    """Say which stages the config leaves out, and what goes with them."""
    for name, why in reasons.items():
        without = {stage.name for stage in left_out.in_use(recipe, [name])}
        along = (stage.name for stage in recipe if stage.name not in {*without, name})
        emit(StageLeftOut(name, tuple(along), why))


def _remove_left_out(recipe: Sequence[Stage], used: Sequence[Stage], root: Path) -> None:
    """Remove what an earlier config made of stages that this one leaves out.

    A whole run does so, that the folder is what its config says; one that names stages touches no
    others.
    """
    names = {stage.name for stage in used}
    others = [stage for stage in recipe if stage.name not in names]
    for stage in others:
        sweep(root, stage.owns, ds.dataset(stage.writes.schema.empty_table()))
        TableFolder(root, stage.writes).clear()
    left_out.note(root, (stage.name for stage in others))


def _check_errors(retry: Retry | None, stages: Sequence[Stage], root: Path) -> None:
    """Stop where a class of error is to be tried again that no failed row has."""
    if retry is None or not retry.errors:
        return
    known = errors_of_failed_rows(stages, root)
    if unknown := sorted(retry.errors - known.keys()):
        there = ", ".join(f"{error} ({count:,})" for error, count in known.most_common())
        raise ConfigError(
            f"no failed row has the class of error {unknown[0]!r}; there is {there or 'none'}"
        )


def _executor(config: RunConfig) -> Executor:
    if config.runner.executor == "serial":
        return SerialExecutor()
    return ProcessExecutor(config.runner.workers)


def _writer(recipe: Sequence[Stage], table: str) -> str:
    return next(stage.name for stage in recipe if stage.writes.name == table)


def _can_begin(stage: Stage, missing: Sequence[str]) -> bool:
    """Tell whether a stage can work on some of its parts while others are missing."""
    return isinstance(stage, ShardStage) and not {t.name for t in stage.looks_up} & {*missing}


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
    said = f"{stage.name} finds nothing"
    if summary.rows:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.reasons.items())
        said = f"{stage.name} leaves none of {summary.rows:,} rows ({reasons})"
    raise InputError(f"{said}: check its block and what it reads; see {folder.path}")


def _run_shards(
    stage: ShardStage,
    config: StageConfig,
    recipe: Recipe,
    root: Path,
    executor: Executor,
    emit: Emit,
    retry: Retry | None,
) -> list[str]:
    """Make the shards that are not done; give a line for each kind of failure."""
    started = time.monotonic()
    folder = TableFolder(root, stage.writes)
    wanted = wanted_parts(stage, root, fingerprint_of(recipe))
    before = folder.receipts()
    whole, rows = _what_to_make(stage, folder, root, wanted, before, retry)
    todo = sorted(whole | rows)
    why = why_work(folder, recipe, wanted, before, todo)
    emit(StageStarted(stage.name, len(wanted), len(wanted) - len(todo), why))
    failures: list[Failure] = []
    # While inputs are missing, a part without them is not known to be superfluous.
    is_last = not incomplete_inputs(stage, root)
    extra = folder.shards_on_disk() - wanted.keys() if is_last else set()
    if todo or extra or not is_last or folder.manifest() is None:
        resumed = folder.begin(recipe)
        for shard in whole:
            folder.revoke(shard)
        for shard in extra:
            folder.remove(shard)
        if resumed:
            clear_temporaries(root, stage.owns)
        jobs = [
            Job(stage, config, root, shard, wanted[shard], retry if shard in rows else None)
            for shard in todo
        ]
        failures = _work(stage, executor, jobs, emit)
        if is_last and not failures:
            if resumed:
                sweep(root, stage.owns, folder.dataset())
            folder.finish(recipe, {})
    _emit_finished(stage, root, len(todo), started, emit)
    broken = [f"{stage.name} shard {item.shard}: {item.message}" for item in failures]
    return broken + failed_rows(stage, root)


def _what_to_make(
    stage: ShardStage,
    folder: TableFolder,
    root: Path,
    wanted: Mapping[int, Identity],
    before: Mapping[int, Receipt],
    retry: Retry | None,
) -> tuple[set[int], set[int]]:
    """Give the shards to make whole, and those of which some rows are to be made again."""
    # Only parts of today's schema are read: those of an earlier version may lack a column.
    done = {s: before[s] for s, identity in wanted.items() if is_done(before.get(s), identity)}
    robbed = parts_without_files(root, stage.owns, folder.dataset(done)) if done else set()
    done = {shard: done[shard] for shard in done if folder.part(shard) not in robbed}
    whole = wanted.keys() - done.keys()
    again = set() if retry is None else to_retry(folder, done, retry)
    return (whole, again) if stage.by_row else (whole | again, set())


def _work(stage: ShardStage, executor: Executor, jobs: list[Job], emit: Emit) -> list[Failure]:
    failures = []
    at_most = stage.at_most(jobs[0].config) if jobs else None
    for outcome in executor.map(make_shard, jobs, at_most):
        if isinstance(outcome, Receipt):
            emit(ShardFinished(stage.name, outcome.shard, outcome.rows, outcome.seconds))
            continue
        if isinstance(outcome.error, InputError | StorageError):
            raise outcome.error
        failures.append(outcome)
        emit(ShardFailed(stage.name, outcome.shard, outcome.message))
    return failures


def _run_dataset(
    stage: DatasetStage, config: StageConfig, recipe: Recipe, root: Path, emit: Emit
) -> None:
    """Make a whole table unless it is there."""
    started = time.monotonic()
    folder = TableFolder(root, stage.writes)
    inputs = {table.name: TableFolder(root, table).table_id() for table in stage.reads}
    identity = Identity(fingerprint_of(recipe), inputs)
    before = folder.receipts()
    if is_complete(stage, folder, root, identity):
        emit(StageStarted(stage.name, len(before), len(before), "done"))
        _emit_finished(stage, root, 0, started, emit)
        return
    why = why_work(folder, recipe, {0: identity}, before, [0])
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
    _emit_finished(stage, root, count, started, emit)


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


def _emit_finished(stage: Stage, root: Path, ran: int, started: float, emit: Emit) -> None:
    summary = own_totals(stage, root)
    seconds = time.monotonic() - started
    emit(StageFinished(stage.name, summary.rows, summary.status, summary.reasons, ran, seconds))
