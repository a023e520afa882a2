"""The row groups of the objects near some boxes, of which the last ones read stay in memory.

A process asks for the objects around one shard after the other. Shards are neighbours, and a large
object widens the box of its row group, so that most row groups are wanted again and again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.parquet_files import open_parts
from pipeline.schema import STATUS_OK
from pipeline.storage import place_of
from skyscript.geo.box_raster import Sides
from skyscript.geo.tile import Box

_MOST_OCTETS = 1 << 26
"""The most memory that row groups take which no look-up holds."""
_NOWHERE = 1e9
"""Degrees: the place of an object that is not ok, and may have none."""

Meet = Callable[[Sides], npt.NDArray[np.integer]]
"""Gives the numbers of the boxes that may meet a wanted one."""


class RowGroup(NamedTuple):
    """Some objects that stand together in a file."""

    rows: pa.Table
    sides: Sides
    """By row: west, south, east and north in degrees; far from all boxes if it is not ok."""


class _LastRead:
    """The row groups that were read last, as far as they fit the memory."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Hashable, RowGroup] = OrderedDict()
        self._octets = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> RowGroup | None:
        """Give a row group if it is still there."""
        with self._lock:
            if key in self._groups:
                self._groups.move_to_end(key)
            return self._groups.get(key)

    def put(self, key: Hashable, group: RowGroup) -> None:
        """Add a row group, and let go of those that were wanted longest ago."""
        with self._lock:
            if key not in self._groups:
                self._groups[key] = group
                self._octets += _octets(group)
            while self._octets > _MOST_OCTETS:
                self._octets -= _octets(self._groups.popitem(last=False)[1])


def _octets(group: RowGroup) -> int:
    return int(group.rows.nbytes + group.sides.nbytes)


_LAST = _LastRead()


class _File(NamedTuple):
    """A part of the table."""

    fragment: ds.ParquetFileFragment
    schema: pa.Schema
    key: Hashable
    groups: Sequence[int]
    sides: Sides
    """By row group: the box of its objects, from the file's statistics."""


def row_groups(parts: ds.Dataset, meet: Meet, columns: Sequence[str]) -> Iterator[RowGroup]:
    """Yield the row groups whose boxes may meet a wanted one.

    Of a dataset that does not lie in Parquet files, all rows are one group.
    """
    if not isinstance(parts, ds.FileSystemDataset):
        yield _of(parts.to_table(columns=_with_sides(columns)), columns)
        return
    for path in parts.files:
        state = place_of(path).stat()
        file = _file(path, (state.st_mtime_ns, state.st_size), parts.schema)
        for place in np.sort(meet(file.sides)).tolist():
            yield _read(file, file.groups[place], tuple(columns))


def _read(file: _File, number: int, columns: tuple[str, ...]) -> RowGroup:
    key = file.key, number, columns
    if (group := _LAST.get(key)) is None:
        alone = file.fragment.subset(row_group_ids=[number])
        group = _of(alone.to_table(schema=file.schema, columns=_with_sides(columns)), columns)
        _LAST.put(key, group)
    return group


@lru_cache(maxsize=64)
def _file(path: str, state: tuple[int, int], schema: pa.Schema) -> _File:
    (fragment,) = open_parts([place_of(path)], schema).get_fragments()
    found = [group for group in fragment.row_groups if group.num_rows]
    sides = np.array([_sides(group.statistics or {}) for group in found], np.float64)
    key = path, state
    return _File(fragment, schema, key, [group.id for group in found], sides.reshape(-1, 4))


def _sides(statistics: dict[str, dict[str, Any]]) -> tuple[float, ...]:
    """Give the box of a row group; without statistics, that of the world."""
    ends = zip(Box._fields, ("min", "min", "max", "max"), (-180, -90, 180, 90), strict=True)
    return tuple(float(statistics.get(side, {}).get(end, most)) for side, end, most in ends)


def _with_sides(columns: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*columns, *Box._fields, "status"]))


def _of(table: pa.Table, columns: Sequence[str]) -> RowGroup:
    is_ok = pc.equal(table["status"], STATUS_OK).to_numpy()
    given = (table[side].to_numpy() for side in Box._fields)
    sides = np.column_stack([np.where(is_ok, side, _NOWHERE) for side in given])
    return RowGroup(table.select(columns), sides)
