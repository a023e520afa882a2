"""Making one part and its receipt: what a worker does."""

from __future__ import annotations

import platform
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SchemaError, SkyScriptError, StorageError
from pipeline.manifest import Receipt, TableFolder
from pipeline.schema import STATUS_OK, conform
from pipeline.stage import Shard, ShardStage, Stage, StageConfig
from pipeline.state import Identity, Retry


@dataclass(frozen=True)
class Job:
    """All that a worker needs to make a shard."""

    stage: ShardStage
    config: StageConfig
    root: Path
    shard: int
    identity: Identity
    retry: Retry | None = None
    """Make only these rows of the part again; None: all of it."""


@dataclass(frozen=True)
class Failure:
    """A shard that raised."""

    shard: int
    message: str
    error: SkyScriptError | None
    """The error itself, where its message alone tells enough."""


def make_shard(job: Job) -> Receipt | Failure:
    """Make a shard's part and its receipt; an error comes back as a value."""
    started = time.monotonic()
    stage, root = job.stage, job.root
    folder = TableFolder(root, stage.writes)
    where = f"{stage.name} shard {job.shard}"
    try:
        tables = {table.name: TableFolder(root, table).read(job.shard) for table in stage.reads}
        before = None if job.retry is None else folder.read(job.shard)
        chosen = None if job.retry is None or before is None else job.retry.chosen(before)
        if chosen is not None:
            tables = {name: table.filter(chosen) for name, table in tables.items()}
        whole = {table.name: TableFolder(root, table).dataset() for table in stage.looks_up}
        result = stage.run(**tables, **whole, config=job.config, shard=Shard(job.shard, root))
        result = conform(result, stage.writes, where=where)
        first = stage.reads[0]
        if not result.column(stage.writes.key).equals(tables[first.name].column(first.key)):
            raise SchemaError(f"{where}: rows of {first.name!r} went missing or changed order")
        if before is not None and chosen is not None:
            result = _merged(before, chosen, result)
            folder.revoke(job.shard)
        return write_part(stage, root, job.shard, result, job.identity, started)
    except StorageError as error:  # nowhere to write the traceback to
        return Failure(job.shard, str(error), error)
    except Exception as error:  # a shard that fails does not stop the others
        folder.write_failure(job.shard, traceback.format_exc())
        known = error if isinstance(error, SkyScriptError) else None
        return Failure(
            job.shard, str(error) if known else f"{type(error).__name__}: {error}", known
        )


def _merged(before: pa.Table, chosen: pa.ChunkedArray, again: pa.Table) -> pa.Table:
    """Put rows that were made again into their places among the others."""
    is_new = chosen.to_numpy()
    order = np.argsort(np.concatenate([np.flatnonzero(~is_new), np.flatnonzero(is_new)]))
    rows = pa.concat_tables([before.filter(pc.invert(chosen)), again])
    return rows.take(pa.array(order)).combine_chunks()


def write_part(
    stage: Stage, root: Path, shard: int, table: pa.Table, identity: Identity, started: float
) -> Receipt:
    """Write a part, then its receipt; ``table`` conforms already."""
    folder = TableFolder(root, stage.writes)
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


def _count(table: pa.Table, stage: Stage) -> tuple[dict[str, int], dict[str, int]]:
    """Count a part's rows by status, and those that are not ok by reason."""
    if not stage.writes.has_status:
        return {STATUS_OK: len(table)}, {}
    status = Counter(table.column("status").to_pylist())
    reasons = Counter(reason for reason in table.column("reason").to_pylist() if reason)
    return dict(status), dict(reasons)
