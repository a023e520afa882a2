"""A pair of images that are the same, and the table of such pairs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from pipeline.scratch import ScratchParquet
from stages.leakage.config import Kind
from stages.leakage.pictures import Picture

MOST = 20
"""Pairs of one kind that an image of the run may have: a blank image equals all others."""
SCHEMA = pa.schema(
    [
        pa.field("ours", pa.string(), nullable=False),  # filepath in the run
        pa.field("benchmark", pa.string(), nullable=False),  # its name, or a split of the run
        pa.field("theirs", pa.string(), nullable=False),  # path in the benchmark's folder
        pa.field("kind", pa.string(), nullable=False),  # bytes, pixels, near, place or vector
        # near: 1 - correlation; vector: 1 - cosine; place: metres between the centres; else 0
        pa.field("distance", pa.float64(), nullable=False),
        pa.field("overlap", pa.float64()),  # share of theirs that ours shows; null if unknown
    ]
)
_ROWS = 4096


class Match(NamedTuple):
    """A pair of images that are the same, in one way."""

    ours: str
    benchmark: str
    theirs: str
    kind: Kind
    distance: float
    overlap: float | None

    @classmethod
    def of(
        cls, ours: Picture, theirs: Picture, kind: Kind, distance: float, overlap: float | None
    ) -> Match:
        """Give the match of two images, with figures that do not end in noise."""
        share = None if overlap is None else round(overlap, 4)
        return cls(ours.path, theirs.group, theirs.path, kind, round(max(distance, 0.0), 6), share)


def write_matches(path: Path, matches: Iterable[Match]) -> None:
    """Write matches to a Parquet file, some thousand at a time."""
    rows: list[Match] = []
    with ScratchParquet(path, SCHEMA) as file:
        for match in matches:
            rows.append(match)
            if len(rows) == _ROWS:
                file.write_table(_table(rows))
                rows = []
        file.write_table(_table(rows))


def _table(rows: list[Match]) -> pa.Table:
    return pa.Table.from_pylist([row._asdict() for row in rows], schema=SCHEMA)
