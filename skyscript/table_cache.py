"""Caches values computed from a run's table while the table's files do not change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.parquet_files import open_parts
from pipeline.storage import place_of

Value = TypeVar("Value")


def cached_by_files(
    build: Callable[[pa.Table], Value],
    columns: Sequence[str],
    rows: pc.Expression | None = None,
) -> Callable[[ds.Dataset], Value]:
    """Turn a function of a table into a function of a dataset that caches its result in memory.

    It reads only ``columns`` and ``rows``, and again only if a file has changed. A dataset in
    memory is not cached.
    """

    @lru_cache(maxsize=2)
    def from_files(paths: tuple[str, ...], _changed: tuple[tuple[int, int], ...]) -> Value:
        return from_dataset(open_parts(map(place_of, paths), None))

    def from_dataset(dataset: ds.Dataset) -> Value:
        return build(dataset.to_table(columns=list(columns), filter=rows))

    def value(dataset: ds.Dataset) -> Value:
        if not isinstance(dataset, ds.FileSystemDataset):
            return from_dataset(dataset)
        stats = [place_of(path).stat() for path in dataset.files]
        return from_files(tuple(dataset.files), tuple((s.st_mtime_ns, s.st_size) for s in stats))

    return value
