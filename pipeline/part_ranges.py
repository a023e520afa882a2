"""The least and greatest values in each part of a table, so that a look-up opens few parts.

A table names the columns (`Table.ranges`): the sides of a box, or a key. The values come from the
statistics of the finished Parquet files, once for each build of a table. The file is derived:
without it, or without statistics of a column, a look-up opens every part and gives the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.atomic import read_sealed_json, write_sealed_json
from pipeline.parquet_files import open_parts, parquet_source
from pipeline.storage import Place, place_of

NAME = "_ranges.json"
"""The file in a table's folder."""
_COMPARISONS = 1 << 20
"""Comparisons of parts with queries whose answers are in memory at once."""

Values = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Bounds = Mapping[str, Values]
"""The bounds of the queries, by column: an array with a value for each query."""


class _Range(NamedTuple):
    """The range of a column in a part."""

    low: Any
    """None if all values are null."""
    high: Any
    is_known: bool = True
    """False if the file has no statistics."""


def write_ranges(folder: Place, parts: Sequence[Place], columns: Sequence[str]) -> None:
    """Write the ranges of the given columns in the parts of a finished table."""
    found = [_ranges_of(part, columns) for part in parts]
    ranges = {
        column: {
            field: [getattr(part[column], field) for part in found] for field in _Range._fields
        }
        for column in columns
    }
    write_sealed_json(folder / NAME, {"parts": [part.name for part in parts], "ranges": ranges})


def _ranges_of(part: Place, columns: Sequence[str]) -> dict[str, _Range]:
    metadata = pq.read_metadata(parquet_source(part))
    places = {metadata.schema.column(at).path: at for at in range(metadata.num_columns)}
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return {
        column: _united([g.column(places[column]).statistics for g in groups]) for column in columns
    }


def _united(statistics: Sequence[Any]) -> _Range:
    """Give the range of a column from the statistics of its row groups."""
    if any(s is None or (s.num_values and not s.has_min_max) for s in statistics):
        return _Range(None, None, is_known=False)
    some = [s for s in statistics if s.num_values]
    return _Range(
        min((s.min for s in some), default=None), max((s.max for s in some), default=None)
    )


class _Column(NamedTuple):
    """The ranges of a column as arrays, with an element for each part."""

    low: Values
    high: Values
    has_values: Mask
    is_unknown: Mask


class _Ranges(NamedTuple):
    """The ranges of a table's parts; ``numbers`` gives the place of a file's name."""

    numbers: Mapping[str, int]
    columns: Mapping[str, _Column]


def _column(low: list[Any], high: list[Any], is_known: list[bool]) -> _Column:
    filler = next((value for value in low if value is not None), 0)
    lows, highs = (np.array([filler if v is None else v for v in ends]) for ends in (low, high))
    has_values = np.array([value is not None for value in low], dtype=bool)
    return _Column(lows, highs, has_values, ~np.array(is_known, dtype=bool))


@lru_cache(maxsize=4)
def _read(path: Place, _state: tuple[int, int]) -> _Ranges | None:
    content = read_sealed_json(path)
    if content is None:
        return None
    columns = {name: _column(**fields) for name, fields in content["ranges"].items()}
    return _Ranges({name: number for number, name in enumerate(content["parts"])}, columns)


def _ranges_beside(files: Sequence[str]) -> _Ranges | None:
    """Give the ranges of the table that the given files belong to; None if it has none."""
    if not files:
        return None
    path = place_of(files[0]).parent / NAME
    try:
        state = path.stat()
    except OSError:
        return None
    return _read(path, (state.st_mtime_ns, state.st_size))


def parts_meeting(table: ds.Dataset, *, at_most: Bounds, at_least: Bounds) -> ds.Dataset:
    """Give the parts of a table that may hold a row for at least one query, as a dataset.

    A query is one value of each array. It wants the rows whose columns are at most its values of
    ``at_most`` and at least its values of ``at_least``. The result may hold other rows, too. A
    dataset that is no table of a run is given back.
    """
    if not isinstance(table, ds.FileSystemDataset):
        return table
    files = table.files
    ranges = _ranges_beside(files)
    if ranges is None:
        return table
    meeting = np.append(_meeting(ranges, at_most, at_least), True)  # an unlisted part is opened
    chosen = [file for file in files if meeting[ranges.numbers.get(file.rpartition("/")[2], -1)]]
    return open_parts(map(place_of, chosen), table.schema)


def _meeting(ranges: _Ranges, at_most: Bounds, at_least: Bounds) -> Mask:
    """Tell which parts can hold a row for at least one of the queries."""
    meeting = np.zeros(len(ranges.numbers), dtype=bool)
    queries = len(next(iter((at_most or at_least).values())))
    if not queries:
        return meeting
    # One query that is as wide as all of them together leaves few parts: queries are neighbours.
    widest_most = {name: np.array([max(values.tolist())]) for name, values in at_most.items()}
    widest_least = {name: np.array([min(values.tolist())]) for name, values in at_least.items()}
    parts = np.flatnonzero(_fits(ranges, np.arange(len(meeting)), widest_most, widest_least)[:, 0])
    step = max(1, _COMPARISONS // max(len(parts), 1))
    for start in range(0, queries, step):
        most, least = (
            {name: values[start : start + step] for name, values in bounds.items()}
            for bounds in (at_most, at_least)
        )
        meeting[parts] |= _fits(ranges, parts, most, least).any(axis=1)
    return meeting


def _fits(ranges: _Ranges, parts: npt.NDArray[np.intp], at_most: Bounds, at_least: Bounds) -> Mask:
    """Tell for each of some parts, and for each query, whether the part can hold a row for it."""
    fits = np.ones((len(parts), 1), dtype=bool)
    for bounds, is_upper in ((at_most, True), (at_least, False)):
        for name, bound in bounds.items():
            if (column := ranges.columns.get(name)) is None:
                continue
            ends = (column.low if is_upper else column.high)[parts, None]
            inside = ends <= bound if is_upper else ends >= bound
            has_values, is_unknown = column.has_values[parts, None], column.is_unknown[parts, None]
            fits = fits & ((inside & has_values) | is_unknown)
    return fits
