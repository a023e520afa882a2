"""Runs a recipe: brings its stages up to date, in order, and reports what failed."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence

from pipeline import disabled_stages
from pipeline.build import Emit, Task, run_dataset, run_shards
from pipeline.config import RunConfig
from pipeline.damage import DamagedPartsError, PartChecker
from pipeline.errors import ConfigError, InputError, ItemsFailed, StorageError
from pipeline.events import StageDisabled, name_reasons
from pipeline.executors import Executor, make_executor
from pipeline.manifest import recipe_of
from pipeline.receipts import totals
from pipeline.record import recording
from pipeline.rights import writable
from pipeline.run import Run
from pipeline.schema import STATUS_FAILED, STATUS_OK
from pipeline.side_files import clear_temporaries
from pipeline.stage import ShardStage, Stage
from pipeline.state import Retry, count_errors
from pipeline.storage import Place
from pipeline.summary import summarise
from pipeline.work import remove_part, sweep_dropped

_MOST_BEGINNINGS = 20
"""Beginnings of a run that finds damaged parts: more than stages that can find some."""


def run(
    recipe: Sequence[Stage],
    config: RunConfig,
    root: Place,
    emit: Emit,
    *,
    only: Collection[str] = (),
    retry: Retry | None = None,
    shards: range | None = None,
    command: Sequence[str] = (),
) -> None:
    """Bring the stages up to date, in order; ``only`` selects some of them.

    ``retry`` makes failed rows again. ``shards`` selects shards of the shard stages: several
    processes may make different ones at once, and a run without it then completes the tables. The
    folder keeps ``command``, the words of the command line. Raises `ItemsFailed` at the end if
    shards or rows failed; bad input and a full disk stop the run immediately.
    """
    here, reasons = Run(root), disabled_stages.find_reasons(recipe, config.stages)
    used = disabled_stages.find_used(recipe, reasons)
    chosen = [stage for stage in used if not only or stage.name in only]
    disabled_stages.check_needs(recipe, chosen, config.stages, reasons)
    if not chosen:
        raise ConfigError("; ".join(reasons.values()) or "there is no stage to run")
    if shards is not None:
        chosen = _shard_stages(chosen)
    _check_errors(retry, chosen, here)
    # For all stages first: an unusable input of the last stage then shows before hours of work.
    recipes = {stage.name: recipe_of(stage, config.stages[stage.name]) for stage in chosen}
    lock = here.locked() if shards is None else here.shared()
    kept = recording(root, recipe, config, command)
    with writable(root), lock, kept, make_executor(config.runner) as executor:
        if shards is None:
            clear_temporaries(root)
            _emit_disabled(recipe, reasons, emit)
        disabled = [stage for stage in recipe if stage.name not in {one.name for one in used}]
        if len(chosen) == len(used):
            _remove_disabled(disabled, here)
        elif not here.knows_disabled_stages():
            here.record_disabled_stages(stage.name for stage in disabled)
        make_task = functools.partial(Task, here, emit=emit, checker=PartChecker(), shards=shards)
        tasks = [
            (stage, make_task(config.stages[stage.name], recipes[stage.name])) for stage in chosen
        ]
        failed = _run_stages(recipe, tasks, executor, retry)
        if shards is None:
            here.write_summary(summarise(recipe, here, working=False))
    if failed:
        lines = "\n  ".join(["not everything is done:", *failed])
        raise ItemsFailed(f"{lines}\nTry these again with --retry.")


def _shard_stages(stages: Sequence[Stage]) -> list[Stage]:
    """Give the stages that work shard by shard. Raises `ConfigError` if there is none."""
    chosen: list[Stage] = [stage for stage in stages if isinstance(stage, ShardStage)]
    if not chosen:
        raise ConfigError(
            f"--shards makes parts of stages that work part by part, but "
            f"{', '.join(stage.name for stage in stages)} needs whole tables: run it without "
            "--shards"
        )
    return chosen


def _run_stages(
    recipe: Sequence[Stage],
    tasks: Sequence[tuple[Stage, Task]],
    executor: Executor,
    retry: Retry | None,
) -> list[str]:
    """Run stages in order; give a line for each failure.

    If a stage finds damaged inputs, begins at the first stage again, to make them again.
    """
    for _ in range(_MOST_BEGINNINGS):
        failed: list[str] = []
        try:
            for stage, task in tasks:
                failed += _run_stage(recipe, stage, task, executor, retry, is_first=not failed)
        except DamagedPartsError:
            continue
        return failed
    raise StorageError(
        f"{tasks[0][1].run.root}: parts are damaged again after they were made "
        f"again {_MOST_BEGINNINGS} times; check the disk"
    )


def _run_stage(
    recipe: Sequence[Stage],
    stage: Stage,
    task: Task,
    executor: Executor,
    retry: Retry | None,
    *,
    is_first: bool,
) -> list[str]:
    """Run a stage if its inputs are there; ``is_first`` says that nothing failed before."""
    here = task.run
    missing = here.incomplete(stage.inputs) if task.shards is None else _unusable(stage, here)
    if missing and is_first:
        raise ConfigError(
            f"{stage.name} needs the complete table {missing[0]!r}, which {here.root} lacks: "
            f"{_remedy(recipe, missing, task)}"
        )
    if missing and not _can_begin(stage, missing):
        here.folder(stage.writes).reopen()
        return [f"{stage.name}: not run, because {missing[0]!r} is not complete"]
    failed: list[str] = []
    if isinstance(stage, ShardStage):
        failed = run_shards(stage, task, executor, retry)
    else:
        run_dataset(stage, task)
    _check_not_empty(stage, task)
    return failed


def _unusable(stage: Stage, run: Run) -> list[str]:
    """Give the input tables of a shard stage that do not allow to make any part."""
    assert isinstance(stage, ShardStage)  # chosen by `_shard_stages`
    absent = [table.name for table in stage.reads if not run.folder(table).receipts()]
    return absent + run.incomplete(stage.looks_up)


def _emit_disabled(recipe: Sequence[Stage], reasons: Mapping[str, str], emit: Emit) -> None:
    """Emit which stages the config disables, and which stages that disables too."""
    for name, why in reasons.items():
        others = {stage.name for stage in disabled_stages.find_used(recipe, [name])}
        along = (stage.name for stage in recipe if stage.name not in {*others, name})
        emit(StageDisabled(name, tuple(along), why))


def _remove_disabled(disabled: Sequence[Stage], run: Run) -> None:
    """Remove the results of disabled stages, made with an earlier config.

    Only a whole run does this, so that its folder agrees with its config; a run of single stages
    changes no other stage.
    """
    for stage in disabled:
        for shard in run.folder(stage.writes).shards_on_disk():
            remove_part(stage, run, shard)
        sweep_dropped(stage, run)
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


def _remedy(recipe: Sequence[Stage], missing: Sequence[str], task: Task) -> str:
    """Say what makes missing tables: the last stage that writes one; --until runs the others."""
    writer = [stage.name for stage in recipe if stage.writes.name in missing][-1]
    how = "" if task.shards is None else " and without --shards"
    return f"run {writer} first, with --until {writer}{how}"


def _can_begin(stage: Stage, missing: Sequence[str]) -> bool:
    """Tell whether a stage can make some of its parts while inputs of others are missing."""
    return isinstance(stage, ShardStage) and not {t.name for t in stage.looks_up} & {*missing}


def _check_not_empty(stage: Stage, task: Task) -> None:
    """Raise `InputError` if a stage gives no row, because later messages would be less clear."""
    folder = task.run.folder(stage.writes)
    summary = totals(folder.receipts())
    if (
        folder.manifest() is None
        or (stage.may_be_empty and not summary.rows)
        or summary.status.get(STATUS_OK)
        or summary.status.get(STATUS_FAILED)
    ):
        return
    if sentence := stage.why_empty(**task.run.datasets(stage.inputs), config=task.config):
        raise InputError(sentence)
    problem = f"{stage.name} finds nothing"
    if summary.rows:
        reasons = ", ".join(name_reasons(summary.reasons))
        problem = f"{stage.name} drops all {summary.rows:,} rows ({reasons})"
    raise InputError(f"{problem}: check its config and its input; see {folder.path}")
