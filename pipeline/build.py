"""Builds the table of one stage: finds the parts that are not done, and makes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipeline.damage import DamagedPartsError, PartChecker
from pipeline.errors import InputError, StorageError
from pipeline.events import Event, ShardFailed, ShardFinished, StageFinished, StageStarted
from pipeline.executors import LOST, Executor
from pipeline.manifest import Recipe, TableFolder, fingerprint_of
from pipeline.receipts import Receipt
from pipeline.run import Run
from pipeline.schema import Table, conform
from pipeline.side_files import clear_temporaries, parts_without_files
from pipeline.stage import DatasetStage, ShardStage, Stage, StageConfig
from pipeline.state import (
    Identity,
    Retry,
    describe_failed_rows,
    explain_work,
    find_parts_to_retry,
    find_wanted_parts,
    is_complete,
    is_done,
    stage_totals,
)
from pipeline.work import (
    Failure,
    Job,
    make_shard,
    remove_part,
    sweep_dropped,
    write_part,
)

Emit = Callable[[Event], None]


@dataclass(frozen=True)
class Task:
    """The inputs of a stage: the run, the config block, the recipe, and the receiver of events."""

    run: Run
    config: StageConfig
    recipe: Recipe
    emit: Emit
    checker: PartChecker
    shards: range | None = None
    """The shards to make; None: all. Other processes may then make others at the same time, so the
    table is not completed and nothing of others is removed."""

    def check_inputs(self, tables: Iterable[Table], shards: Collection[int] | None = None) -> None:
        """Raise `DamagedPartsError` if parts of some tables, or some of their parts, are damaged.

        Their receipts are then revoked.
        """
        found = False
        for table in tables:
            folder = self.run.folder(table)
            chosen = {
                shard: receipt
                for shard, receipt in folder.receipts().items()
                if shards is None or shard in shards
            }
            found |= bool(self.checker.revoke_damaged(folder, chosen))
        if found:
            raise DamagedPartsError


def run_shards(stage: ShardStage, task: Task, executor: Executor, retry: Retry | None) -> list[str]:
    """Make the shards that are not done; give a line for each kind of failure."""
    started = time.monotonic()
    run, recipe = task.run, task.recipe
    folder = run.folder(stage.writes)
    wanted = find_wanted_parts(stage, run, fingerprint_of(recipe))
    if task.shards is not None:
        wanted = {shard: wanted[shard] for shard in wanted if shard in task.shards}
    before = folder.receipts()
    whole, rows = _choose_work(stage, task, wanted, before, retry)
    todo = sorted(whole | rows)
    if todo:
        task.check_inputs(stage.reads, todo)
        task.check_inputs(stage.looks_up)
    why = explain_work(folder, recipe, wanted, before, todo)
    jobs = _jobs(stage, task, {shard: wanted[shard] for shard in todo}, rows, retry)
    done, read = len(wanted) - len(todo), sum(job.rows_read or 0 for job in jobs)
    task.emit(StageStarted(stage.name, len(wanted), done, why, read))
    make = _build_table if task.shards is None else _build_some
    failures = make(stage, task, executor, jobs, wanted.keys())
    folder.restore_state(recipe)
    _emit_finished(stage, task, len(todo), started)
    broken = [f"{stage.name} shard {item.shard}: {item.message}" for item in failures]
    return broken + describe_failed_rows(stage, run, task.shards)


def _jobs(
    stage: ShardStage,
    task: Task,
    todo: Mapping[int, Identity],
    rows: Collection[int],
    retry: Retry | None,
) -> list[Job]:
    """Give the work on each shard; of those in ``rows`` only some rows are made again."""
    here = Run(task.run.root.absolute())  # a worker may have another working directory
    receipts = task.run.folder(stage.reads[0]).receipts()
    return [
        Job(
            stage,
            task.config,
            here,
            shard,
            identity,
            retry if shard in rows else None,
            receipts[shard].rows if shard in receipts else None,
        )
        for shard, identity in todo.items()
    ]


def _build_table(
    stage: ShardStage, task: Task, executor: Executor, jobs: list[Job], wanted: Collection[int]
) -> list[Failure]:
    """Make parts, remove superfluous ones, and complete the table if nothing failed."""
    run, folder = task.run, task.run.folder(stage.writes)
    # A part without inputs is superfluous only once the input tables are complete.
    is_last = not run.incomplete(stage.inputs)
    extra = folder.shards_on_disk() - set(wanted) if is_last else set()
    if not (jobs or extra or not is_last or folder.manifest() is None):
        return []
    existed = folder.begin(task.recipe)
    folder.clear_temporaries()
    _revoke(folder, jobs)
    for shard in extra:
        remove_part(stage, run, shard)
    if existed:
        clear_temporaries(run.root, stage.owns, stage.stores)
    failures = _run_jobs(stage, executor, jobs, task.emit)
    if is_last and not failures:
        if existed:
            sweep_dropped(stage, run)
        folder.finish(task.recipe, {})
    return failures


def _build_some(
    stage: ShardStage, task: Task, executor: Executor, jobs: list[Job], _: Collection[int]
) -> list[Failure]:
    """Make parts while other processes may make other parts of the table."""
    folder = task.run.folder(stage.writes)
    if jobs:
        folder.begin(task.recipe)
    _revoke(folder, jobs)
    return _run_jobs(stage, executor, jobs, task.emit)


def _revoke(folder: TableFolder, jobs: Iterable[Job]) -> None:
    """Revoke the receipts of the parts that are made completely."""
    for job in jobs:
        if job.retry is None:
            folder.revoke(job.shard)


def _choose_work(
    stage: ShardStage,
    task: Task,
    wanted: Mapping[int, Identity],
    before: Mapping[int, Receipt],
    retry: Retry | None,
) -> tuple[set[int], set[int]]:
    """Give the shards to make completely, and the shards with only some rows to make again."""
    run, folder = task.run, task.run.folder(stage.writes)
    # Only parts of the current schema are read: parts of an earlier version may lack a column.
    done = {s: before[s] for s, identity in wanted.items() if is_done(before.get(s), identity)}
    if stage.owns or retry is not None:  # the parts are read here
        for shard in task.checker.revoke_damaged(folder, done):
            del done[shard]
    lost = parts_without_files(run.root, stage.owns, folder.dataset(done)) if done else set()
    done = {shard: done[shard] for shard in done if folder.part(shard) not in lost}
    whole = wanted.keys() - done.keys()
    again = set() if retry is None else find_parts_to_retry(folder, done, retry)
    return (whole, again) if stage.by_row else (whole | again, set())


def _run_jobs(stage: ShardStage, executor: Executor, jobs: list[Job], emit: Emit) -> list[Failure]:
    failures = []
    read = {job.shard: job.rows_read for job in jobs}
    gpus = stage.gpus(jobs[0].config) if jobs else None
    for outcome in executor.map(make_shard, jobs, gpus, _give_up):
        if isinstance(outcome, Receipt):
            rows, seconds = outcome.rows, outcome.seconds
            emit(ShardFinished(stage.name, outcome.shard, rows, seconds, read[outcome.shard]))
            continue
        if isinstance(outcome.error, InputError | StorageError):
            raise outcome.error
        failures.append(outcome)
        emit(ShardFailed(stage.name, outcome.shard, outcome.message, read[outcome.shard]))
    return failures


def _give_up(job: Job) -> Failure | Receipt:
    """Give the failure of a shard that killed its worker process several times."""
    return Failure(job.shard, LOST, None)


def run_dataset(stage: DatasetStage, task: Task) -> None:
    """Make the table of a dataset stage, unless it is done."""
    started = time.monotonic()
    run, recipe = task.run, task.recipe
    folder = run.folder(stage.writes)
    inputs = run.table_ids(stage.reads)
    identity = Identity(fingerprint_of(recipe), inputs)
    before = folder.receipts()
    if stage.owns:  # the parts are read for the names of their files
        task.checker.revoke_damaged(folder, before)
    if is_complete(stage, run, identity):
        task.emit(StageStarted(stage.name, len(before), len(before), "done"))
        folder.restore_state(recipe)
        _emit_finished(stage, task, 0, started)
        return
    task.check_inputs(stage.reads)
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
            remove_part(stage, run, shard)
    clear_temporaries(run.root, stage.owns, stage.stores)
    sweep_dropped(stage, run)
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
    folder.clear_temporaries()
    yield first
    yield from parts


def _emit_finished(stage: Stage, task: Task, ran: int, started: float) -> None:
    own = stage_totals(stage, task.run, task.shards)
    seconds = time.monotonic() - started
    task.emit(StageFinished(stage.name, own.rows, own.status, own.reasons, ran, seconds))
