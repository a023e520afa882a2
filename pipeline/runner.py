"""Runs a recipe: finds the shards that are not done, makes them, and reports what failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline import disabled_stages
from pipeline.config import RunConfig
from pipeline.errors import ConfigError, InputError, ItemsFailed, StorageError
from pipeline.events import (
    Event,
    ShardFailed,
    ShardFinished,
    StageDisabled,
    StageFinished,
    StageStarted,
)
from pipeline.executors import Executor, ProcessExecutor, SerialExecutor
from pipeline.manifest import Receipt, Recipe, TableFolder, fingerprint_of, recipe_of, totals
from pipeline.run import Run
from pipeline.schema import STATUS_FAILED, STATUS_OK, conform
from pipeline.side_files import clear_temporaries, parts_without_files, sweep
from pipeline.stage import DatasetStage, ShardStage, Stage, StageConfig
from pipeline.state import (
    Identity,
    Retry,
    count_errors,
    describe_failed_rows,
    explain_work,
    find_parts_to_retry,
    find_wanted_parts,
    is_complete,
    is_done,
    stage_totals,
)
from pipeline.work import Failure, Job, make_shard, write_part

Emit = Callable[[Event], None]


@dataclass(frozen=True)
class _Task:
    """The inputs of a stage: the run, the config block, the recipe, and the receiver of events."""

    run: Run
    config: StageConfig
    recipe: Recipe
    emit: Emit


def run(
    recipe: Sequence[Stage],
    config: RunConfig,
    root: Path,
    emit: Emit,
    *,
    only: Collection[str] = (),
    retry: Retry | None = None,
) -> None:
    """Bring the stages up to date, in order; ``only`` selects some of them.

    ``retry`` makes failed rows again. Raises `ItemsFailed` at the end if shards or rows failed;
    bad input and a full disk stop the run immediately.
    """
    here = Run(root)
    reasons = disabled_stages.find_reasons(recipe, config.stages)
    used = disabled_stages.find_used(recipe, reasons)
    chosen = [stage for stage in used if not only or stage.name in only]
    if not chosen:
        raise ConfigError("; ".join(reasons.values()) or "there is no stage to run")
    _check_errors(retry, chosen, here)
    # For all stages first: an unusable input of the last stage then shows before hours of work.
    recipes = {stage.name: recipe_of(stage, config.stages[stage.name]) for stage in chosen}
    failed: list[str] = []
    with here.locked(), _executor(config) as executor:
        clear_temporaries(root)
        _emit_disabled(recipe, reasons, emit)
        if len(chosen) == len(used):
            _remove_disabled(recipe, used, here)
        for stage in chosen:
            missing = here.incomplete(stage.inputs)
            if missing and not failed:
                raise ConfigError(
                    f"{stage.name} needs the complete table {missing[0]!r}, which {root} lacks: "
                    f"run {_writer(recipe, missing[0])} first"
                )
            if missing and not _can_begin(stage, missing):
                here.folder(stage.writes).reopen()
                failed.append(f"{stage.name}: not run, because {missing[0]!r} is not complete")
                continue
            task = _Task(here, config.stages[stage.name], recipes[stage.name], emit)
            if isinstance(stage, ShardStage):
                failed += _run_shards(stage, task, executor, retry)
            else:
                _run_dataset(stage, task)
            _check_not_empty(stage, here)
    if failed:
        lines = "\n  ".join(failed)
        raise ItemsFailed(f"not everything is done:\n  {lines}\nTry these again with --retry.")


def _emit_disabled(recipe: Sequence[Stage], reasons: Mapping[str, str], emit: Emit) -> None:
    """Emit which stages the config disables, and which stages that disables too."""
    for name, why in reasons.items():
        others = {stage.name for stage in disabled_stages.find_used(recipe, [name])}
        along = (stage.name for stage in recipe if stage.name not in {*others, name})
        emit(StageDisabled(name, tuple(along), why))


def _remove_disabled(recipe: Sequence[Stage], used: Sequence[Stage], run: Run) -> None:
    """Remove the results of disabled stages, made with an earlier config.

    Only a whole run does this, so that its folder agrees with its config; a run of single stages
    changes no other stage.
    """
    names = {stage.name for stage in used}
    disabled = [stage for stage in recipe if stage.name not in names]
    for stage in disabled:
        sweep(run.root, stage.owns, ds.dataset(stage.writes.schema.empty_table()))
        run.folder(stage.writes).clear()
    run.record_disabled_stages(stage.name for stage in disabled)


def _check_errors(retry: Retry | None, stages: Sequence[Stage], run: Run) -> None:
    """Raise `ConfigError` if ``retry`` names a class of error that no failed row has."""
    if retry is None or not retry.errors:
        return
    known = count_errors(stages, run)
    if unknown := sorted(retry.errors - known.keys()):
        classes = ", ".join(f"{error} ({count:,})" for error, count in known.most_common())
        raise ConfigError(
            f"no failed row has the class of error {unknown[0]!r}; the classes are: "
            f"{classes or 'none'}"
        )


def _executor(config: RunConfig) -> Executor:
    if config.runner.executor == "serial":
        return SerialExecutor()
    return ProcessExecutor(config.runner.workers)


def _writer(recipe: Sequence[Stage], table: str) -> str:
    return next(stage.name for stage in recipe if stage.writes.name == table)


def _can_begin(stage: Stage, missing: Sequence[str]) -> bool:
    """Tell whether a stage can make some of its parts while inputs of others are missing."""
    return isinstance(stage, ShardStage) and not {t.name for t in stage.looks_up} & {*missing}


def _check_not_empty(stage: Stage, run: Run) -> None:
    """Raise `InputError` if a stage gives no row, because later messages would be less clear."""
    folder = run.folder(stage.writes)
    summary = totals(folder.receipts())
    if (
        folder.manifest() is None
        or summary.status.get(STATUS_OK)
        or summary.status.get(STATUS_FAILED)
    ):
        return
    problem = f"{stage.name} finds nothing"
    if summary.rows:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.reasons.items())
        problem = f"{stage.name} drops all {summary.rows:,} rows ({reasons})"
    raise InputError(f"{problem}: check its config and its input; see {folder.path}")


def _run_shards(
    stage: ShardStage, task: _Task, executor: Executor, retry: Retry | None
) -> list[str]:
    """Make the shards that are not done; give a line for each kind of failure."""
    started = time.monotonic()
    run, recipe = task.run, task.recipe
    folder = run.folder(stage.writes)
    wanted = find_wanted_parts(stage, run, fingerprint_of(recipe))
    before = folder.receipts()
    whole, rows = _choose_work(stage, run, wanted, before, retry)
    todo = sorted(whole | rows)
    why = explain_work(folder, recipe, wanted, before, todo)
    task.emit(StageStarted(stage.name, len(wanted), len(wanted) - len(todo), why))
    failures: list[Failure] = []
    # A part without inputs is superfluous only once the input tables are complete.
    is_last = not run.incomplete(stage.inputs)
    extra = folder.shards_on_disk() - wanted.keys() if is_last else set()
    if todo or extra or not is_last or folder.manifest() is None:
        existed = folder.begin(recipe)
        for shard in whole:
            folder.revoke(shard)
        for shard in extra:
            folder.remove(shard)
        if existed:
            clear_temporaries(run.root, stage.owns)
        jobs = [
            Job(stage, task.config, run, shard, wanted[shard], retry if shard in rows else None)
            for shard in todo
        ]
        failures = _run_jobs(stage, executor, jobs, task.emit)
        if is_last and not failures:
            if existed:
                sweep(run.root, stage.owns, folder.dataset())
            folder.finish(recipe, {})
    _emit_finished(stage, task, len(todo), started)
    broken = [f"{stage.name} shard {item.shard}: {item.message}" for item in failures]
    return broken + describe_failed_rows(stage, run)


def _choose_work(
    stage: ShardStage,
    run: Run,
    wanted: Mapping[int, Identity],
    before: Mapping[int, Receipt],
    retry: Retry | None,
) -> tuple[set[int], set[int]]:
    """Give the shards to make completely, and the shards with only some rows to make again."""
    folder = run.folder(stage.writes)
    # Only parts of the current schema are read: parts of an earlier version may lack a column.
    done = {s: before[s] for s, identity in wanted.items() if is_done(before.get(s), identity)}
    lost = parts_without_files(run.root, stage.owns, folder.dataset(done)) if done else set()
    done = {shard: done[shard] for shard in done if folder.part(shard) not in lost}
    whole = wanted.keys() - done.keys()
    again = set() if retry is None else find_parts_to_retry(folder, done, retry)
    return (whole, again) if stage.by_row else (whole | again, set())


def _run_jobs(stage: ShardStage, executor: Executor, jobs: list[Job], emit: Emit) -> list[Failure]:
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


def _run_dataset(stage: DatasetStage, task: _Task) -> None:
    """Make the table of a dataset stage, unless it is done."""
    started = time.monotonic()
    run, recipe = task.run, task.recipe
    folder = run.folder(stage.writes)
    inputs = run.table_ids(stage.reads)
    identity = Identity(fingerprint_of(recipe), inputs)
    before = folder.receipts()
    if is_complete(stage, run, identity):
        task.emit(StageStarted(stage.name, len(before), len(before), "done"))
        _emit_finished(stage, task, 0, started)
        return
    why = explain_work(folder, recipe, {0: identity}, before, [0])
    task.emit(StageStarted(stage.name, None, 0, why))
    parts = stage.run(**run.datasets(stage.reads), config=task.config, root=run.root)
    count = 0
    for count, table in enumerate(_begin_at_first_part(parts, stage, folder, recipe), start=1):
        result = conform(table, stage.writes, where=f"{stage.name} part {count - 1}")
        receipt = write_part(stage, run, count - 1, result, identity, started)
        task.emit(ShardFinished(stage.name, receipt.shard, receipt.rows, receipt.seconds))
    for shard in folder.shards_on_disk():
        if shard >= count:
            folder.remove(shard)
    clear_temporaries(run.root, stage.owns)
    sweep(run.root, stage.owns, folder.dataset())
    folder.finish(recipe, inputs)
    _emit_finished(stage, task, count, started)


def _begin_at_first_part(
    parts: Iterator[pa.Table], stage: DatasetStage, folder: TableFolder, recipe: Recipe
) -> Iterator[pa.Table]:
    """Give the same parts, but prepare the folder for a build when the first part is ready.

    So bad input, which raises before the first part, does not change the earlier table.
    """
    first = next(parts, stage.writes.schema.empty_table())
    folder.begin(recipe)
    yield first
    yield from parts


def _emit_finished(stage: Stage, task: _Task, ran: int, started: float) -> None:
    own = stage_totals(stage, task.run)
    seconds = time.monotonic() - started
    task.emit(StageFinished(stage.name, own.rows, own.status, own.reasons, ran, seconds))
