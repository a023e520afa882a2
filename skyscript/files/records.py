"""Finds the records of the pairs of a run: the Parquet files of its table ``pairs``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError

_BATCH = 4096


def record_files(place: Path, columns: Iterable[str]) -> list[Path]:
    """Give the files in a run folder, in its folder ``tables/pairs`` or in a copy of the latter.

    Raises `InputError` if there are none, if one is no Parquet file, or if it lacks a column.
    """
    inside = place / "tables" / "pairs"
    files = sorted((inside if inside.is_dir() else place).glob("*.parquet"))
    if place.is_file():
        files = [place]
    if not files:
        raise InputError(
            f"{place}: contains no records; name a run folder, or its folder tables/pairs."
        )
    for file in files:
        try:
            there = pq.read_schema(file).names
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{file}: is no Parquet: {str(error).splitlines()[0]}") from None
        if lacks := [name for name in columns if name not in there]:
            raise InputError(
                f"{file}: has no column {lacks[0]!r}, so it holds no records of pairs."
            )
    return files


def read_records(place: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    """Yield some columns of each record, in the order of the run."""
    for file in record_files(place, columns):
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(_BATCH, columns=columns):
                yield from batch.to_pylist()
