"""Makes one part and its receipt: the task of a worker process."""

from __future__ import annotations

import platform
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.errors import SchemaError, SkyScriptError, StorageError
from pipeline.receipts import Receipt
from pipeline.run import Run
from pipeline.schema import STATUS_OK, Table, conform
from pipeline.side_files import names_in, names_in_part, sweep
from pipeline.stage import Shard, ShardStage, Stage, StageConfig
from pipeline.state import Identity, Retry


@dataclass(frozen=True)
class Job:
    """Everything that a worker needs to make a shard."""

    stage: ShardStage
    config: StageConfig
    run: Run
    shard: int
    identity: Identity
    retry: Retry | None = None
    """The rows of the part to make again; None: all."""
    rows_read: int | None = None
    """Rows of the shard in the first input table, by which progress is measured, if known."""


@dataclass(frozen=True)
class Failure:
    """The error of a shard that raised."""

    shard: int
    message: str
    error: SkyScriptError | None
    """The error, if its message is enough for the user; else None."""


def make_shard(job: Job) -> Receipt | Failure:
    """Make a shard's part and its receipt; give an error as a value."""
    started = time.monotonic()
    stage, run = job.stage, job.run
    folder = run.folder(stage.writes)
    where = f"{stage.name} shard {job.shard}"
    try:
        _check_visible(run)
        tables = run.parts(stage.reads, job.shard)
        before = None if job.retry is None else folder.read(job.shard)
        chosen = None if job.retry is None or before is None else job.retry.select(before)
        if chosen is not None:
            tables = {name: table.filter(chosen) for name, table in tables.items()}
        whole = {
            table.name: _opened(run, table, job.identity.inputs[table.name])
            for table in stage.looks_up
        }
        result = stage.run(**tables, **whole, config=job.config, shard=Shard(job.shard, run.root))
        result = conform(result, stage.writes, where=where)
        first = stage.reads[0]
        in_step = stage.writes.key == first.key  # else the result has rows of another kind
        if in_step and not result.column(first.key).equals(tables[first.name].column(first.key)):
            raise SchemaError(
                f"{where}: the result lacks rows of {first.name!r}, or has them in another order"
            )
        if before is not None and chosen is not None:
            result = _merge_rows(before, chosen, result)
            folder.revoke(job.shard)
        result = stage.pack(result, Shard(job.shard, run.root))
        return write_part(stage, run, job.shard, result, job.identity, started)
    except StorageError as error:  # a traceback cannot be stored either
        return Failure(job.shard, str(error), error)
    except Exception as error:  # a failed shard must not stop the others
        folder.write_failure(job.shard, traceback.format_exc())
        known = error if isinstance(error, SkyScriptError) else None
        return Failure(
            job.shard, str(error) if known else f"{type(error).__name__}: {error}", known
        )


@lru_cache(maxsize=8)
def _opened(run: Run, table: Table, _content: str) -> ds.Dataset:
    """Open a table that shards look up, once in a process; ``_content`` is the table's id."""
    return run.folder(table).dataset()


def _check_visible(run: Run) -> None:
    """Raise `StorageError` if this machine does not see the run folder."""
    if not run.exists():
        raise StorageError(
            f"{run.root}: {platform.node()} does not see this run folder; workers on several "
            "machines need a folder that all of them share under one path"
        )


def _merge_rows(before: pa.Table, chosen: pa.ChunkedArray, again: pa.Table) -> pa.Table:
    """Replace the chosen rows of a part by the rows made again."""
    is_new = chosen.to_numpy()
    order = np.argsort(np.concatenate([np.flatnonzero(~is_new), np.flatnonzero(is_new)]))
    rows = pa.concat_tables([before.filter(pc.invert(chosen)), again])
    return rows.take(pa.array(order)).combine_chunks()


def write_part(
    stage: Stage, run: Run, shard: int, table: pa.Table, identity: Identity, started: float
) -> Receipt:
    """Write a part and then its receipt; ``table`` must have the stage's schema."""
    folder = run.folder(stage.writes)
    dropped = names_in_part(folder.part(shard), stage.owns) - names_in(table, stage.owns)
    if dropped:
        folder.record_dropped(shard, dropped)
    output, size = folder.write(shard, table)
    status, reasons = _count(table, stage)
    receipt = Receipt(
        stage=stage.name,
        shard=shard,
        fingerprint=identity.fingerprint,
        inputs=identity.inputs,
        output=output,
        size=size,
        rows=len(table),
        status=status,
        reasons=reasons,
        seconds=round(time.monotonic() - started, 3),
        host=platform.node(),
    )
    folder.write_receipt(receipt)
    return receipt


def remove_part(stage: Stage, run: Run, shard: int) -> None:
    """Remove a part that no longer belongs to the table; its side files are swept later."""
    folder = run.folder(stage.writes)
    if dropped := names_in_part(folder.part(shard), stage.owns):
        folder.record_dropped(shard, dropped)
    folder.remove(shard)


def sweep_dropped(stage: Stage, run: Run) -> None:
    """Remove the side files that earlier parts named and the table no longer names."""
    folder = run.folder(stage.writes)
    sweep(run.root, stage.owns, folder.dataset(), folder.dropped())
    folder.forget_dropped()


def _count(table: pa.Table, stage: Stage) -> tuple[dict[str, int], dict[str, int]]:
    """Count the rows of a part by status, and by reason those that are not ok."""
    if not stage.writes.has_status:
        return {STATUS_OK: len(table)}, {}
    status = Counter(table.column("status").to_pylist())
    reasons = Counter(reason for reason in table.column("reason").to_pylist() if reason)
    return dict(status), dict(reasons)
