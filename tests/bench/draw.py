"""The draw of `sample` among made-up candidates: CPU, peak memory, scratch space.

``python -m tests.bench.draw FOLDER ROWS cells=400000`` (or ``balanced=1000``). A cell holds 25
objects, an object two of 6,000 tags, whose frequencies follow Zipf's law. The queries are the
stage's own.
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.scratch import ScratchParquet, database, scratch, view
from stages.sample import SampleConfig
from stages.sample.choice import CANDIDATES, choose

A_CELL, A_PIECE, TAGS = 25, 1_000_000, 6_000
CELLS_IN_ROW = 6_400
"""Cells beside each other: 40 M cells then lie in 6,250 rows, within the globe's 18,000."""


def candidates(path: Path, rows: int) -> None:
    """Write a row for each candidate."""
    chances = 1 / np.arange(1, TAGS + 1)
    names = pa.array([f"key{number}=value" for number in range(TAGS)])
    with ScratchParquet(path, CANDIDATES) as file:
        for start in range(0, rows, A_PIECE):
            row = np.arange(start, min(start + A_PIECE, rows))
            random, cell = np.random.default_rng(start), row // A_CELL
            tag = np.searchsorted(
                np.cumsum(chances) / chances.sum(), random.random((len(row), 2))
            ).clip(max=TAGS - 1)
            tag[:, 1] = np.where(tag[:, 0] == tag[:, 1], (tag[:, 1] + 1) % TAGS, tag[:, 1])
            ends = pa.array(np.arange(len(row) + 1) * 2, pa.int32())
            tags = pa.ListArray.from_arrays(ends, names.take(pa.array(tag.ravel())))
            numbers = pa.array(row)
            file.write(
                {
                    "row": numbers,
                    "object_id": numbers.cast(pa.string()),
                    "x": pa.array(cell % CELLS_IN_ROW, pa.int32()),
                    "y": pa.array(cell // CELLS_IN_ROW, pa.int32()),
                    "draw": pa.array(random.random(len(row))),
                    "tags": tags,
                }
            )


def user_seconds() -> float:
    """Give the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(folder: Path, rows: int, config: SampleConfig) -> None:
    """Draw, and print what it took."""
    with scratch(folder, "draw") as here:
        path = here / "candidates.parquet"
        candidates(path, rows)
        made, begun = user_seconds(), time.monotonic()
        with database(here) as connection:
            view(connection, "candidates", path)
            choose(connection, config)
            query = "SELECT chosen_by, count(*) FROM chosen GROUP BY ALL ORDER BY ALL"
            chosen = connection.sql(query).fetchall()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{rows:,} rows, {chosen}: {user_seconds() - made:.1f} s of CPU, "
            f"{time.monotonic() - begun:.1f} s, {peak:,.0f} MB, "
            f"candidates {path.stat().st_size / 1e6:,.0f} MB (made in {made:.0f} s of CPU)"
        )


if __name__ == "__main__":
    target, count, what = sys.argv[1:]
    name, _, value = what.partition("=")
    main(Path(target), int(count), SampleConfig(**{name: int(value)}))
