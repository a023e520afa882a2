"""Census: one pass over OSM files, and tables of what they hold and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.atomic import write_bytes, write_file
from pipeline.events import TaskProgress
from pipeline.scratch import database, scratch
from skyscript.backends.registry import Sources
from skyscript.osm.places import Type, tagged_objects
from skyscript.vocabulary import labelled_vocabulary, own_labels
from stages.census.config import CensusConfig
from stages.census.counts import COUNTED, NOT_WANTED, Counts
from stages.census.coverage import coverage
from stages.census.summary import summarise

if TYPE_CHECKING:
    import duckdb

REPORT_EVERY = 50_000
"""Objects with tags between two events of progress."""
SUMMARY = "summary.txt"

_KINDS = ", ".join(
    f"coalesce(sum(objects) FILTER (kind = '{kind}'), 0)::BIGINT AS {kind}" for kind in "nwar"
)
_TABLES = {
    "tags": f"SELECT key, value, {_KINDS}, sum(objects)::BIGINT AS objects FROM tags "
    "GROUP BY ALL ORDER BY objects DESC, key, value",
    "cells": f"SELECT x, y, {_KINDS}, sum(objects)::BIGINT AS objects, "
    "coalesce(sum(objects) FILTER (max_gsd > 0), 0)::BIGINT AS visible FROM cells "
    "GROUP BY ALL ORDER BY y, x",
}
Totals = Counter[tuple[str, str, str]]


class Census(NamedTuple):
    """What a census found; the tables are in its folder."""

    totals: Totals
    """By type of object, what became of it (counted, rejected, not wanted), and the reason."""
    lines: list[str]
    """The readable summary."""


def census(
    paths: Sequence[Path],
    out: Path,
    config: CensusConfig,
    sources: Sources,
    report: Callable[[TaskProgress], None],
) -> Census:
    """Count the tags and the occupied cells of OSM files, and what each source covers of them.

    Writes ``tags.parquet``, ``cells.parquet``, ``coverage.parquet``, ``totals.parquet`` and
    ``summary.txt`` to the folder ``out``. Raises `InputError` if a file cannot be read. An object
    that two files hold is counted twice.
    """
    words, own = labelled_vocabulary(config.own_labels), own_labels(config.own_labels)
    with scratch(out, "census") as folder:
        with Counts(folder, words, own, config.cell_degrees) as counts:
            for path in paths:
                _count(path, folder, config, counts, report)
        with database(folder) as connection:
            counts.register(connection)
            for name, query in _TABLES.items():
                _write(out / f"{name}.parquet", connection, query)
            covered = coverage(connection, sources, config)
            write_file(out / "coverage.parquet", lambda path: pq.write_table(covered, path))
    write_file(out / "totals.parquet", lambda path: pq.write_table(_table(counts.totals), path))
    lines = summarise(out, counts.totals)
    write_bytes(out / SUMMARY, "".join(f"{line}\n" for line in lines).encode())
    return Census(counts.totals, lines)


def _count(
    path: Path,
    folder: Path,
    config: CensusConfig,
    counts: Counts,
    report: Callable[[TaskProgress], None],
) -> None:
    untagged: Counter[tuple[Type, str]] = Counter()
    before = counts.totals.total()
    things = tagged_objects(path, config.format, folder, untagged)
    while batch := list(islice(things, REPORT_EVERY)):
        for thing in batch:
            counts.add(thing)
        done = counts.totals.total() - before + untagged.total()
        note = f"{sum(n for (_, what, _), n in counts.totals.items() if what == COUNTED):,} counted"
        report(TaskProgress(path.name, "read", done, None, "steps", note))
    for (kind, reason), number in untagged.items():
        counts.totals[kind, NOT_WANTED, reason] += number


def _write(path: Path, connection: duckdb.DuckDBPyConnection, query: str) -> None:
    reader = connection.sql(query).to_arrow_reader(100_000)

    def write(target: Path) -> None:
        with pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)

    write_file(path, write)


def _table(totals: Totals) -> pa.Table:
    rows = sorted(totals.items())
    names = ("type", "outcome", "reason")
    columns = {name: [key[at] for key, _ in rows] for at, name in enumerate(names)}
    return pa.table({**columns, "objects": pa.array([n for _, n in rows], pa.int64())})
