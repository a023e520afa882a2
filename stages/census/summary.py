"""The readable summary of a census."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq

from stages.census.counts import COUNTED

MOST_TAGS = 20


def summarise(out: Path, totals: Counter[tuple[str, str, str]]) -> list[str]:
    """Give lines on the totals, and on the tables in the folder ``out``."""
    return [*_totals(totals), *_tags(out), *_cells(out), *_coverage(out)]


def _totals(totals: Counter[tuple[str, str, str]]) -> Iterator[str]:
    by_type: Counter[str] = Counter()
    by_outcome: Counter[tuple[str, str]] = Counter()
    for (kind, outcome, reason), number in totals.items():
        by_type[kind] += number
        by_outcome[outcome, reason] += number
    yield f"read        {totals.total():,} objects: " + ", ".join(
        f"{by_type[kind]:,} {kind}s" for kind in ("node", "way", "relation")
    )
    in_order = sorted(
        by_outcome.items(), key=lambda item: (item[0][0] != COUNTED, item[0][0], -item[1])
    )
    for (outcome, reason), number in in_order:
        yield f"{outcome:11} {number:,}{': ' if reason else ''}{reason}"


def _tags(out: Path) -> Iterator[str]:
    file = pq.ParquetFile(out / "tags.parquet")
    yield f"tags        {file.metadata.num_rows:,} different ones (tags.parquet); most frequent:"
    for row in ds.dataset(out / "tags.parquet").head(MOST_TAGS).to_pylist():
        kinds = ", ".join(f"{kind} {row[kind]:,}" for kind in "nwar" if row[kind])
        yield f"            {row['key']}={row['value']}  {row['objects']:,} ({kinds})"


def _cells(out: Path) -> Iterator[str]:
    cells = pq.read_table(out / "cells.parquet", columns=["objects", "visible"])
    objects, visible = (sum(cells[name].to_pylist()) for name in ("objects", "visible"))
    yield (
        f"cells       {len(cells):,} occupied (cells.parquet), with {objects:,} objects, of which "
        f"{visible:,} can be seen from above"
    )


def _coverage(out: Path) -> Iterator[str]:
    for row in pq.read_table(out / "coverage.parquet").to_pylist():
        yield (
            f"{row['source']:11} covers {row['cells']:,} of these cells with {row['objects']:,} "
            f"objects; {row['shown']:,} are visible at {row['finest_gsd']:g} m"
        )
