"""Where the nodes are: a map from id to place, ten bytes a node, in files that are mapped.

Each file holds the nodes of a range of ids. A directory says where each page of 4,096 ids starts;
within a page two bytes of the id are searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.atomic import write_file
from pipeline.storage import Place
from skyscript.osm.blocks.protobuf import Ints, jit

PAGE_BITS = 12
NOWHERE = 0x7FFFFFFF
"""The coordinate of a node without a valid place, as in libosmium."""
_PAGE = (1 << PAGE_BITS) - 1
_HEADER = 3
"""Numbers of 64 bits: first page, pages, nodes."""


class NewPlaces:
    """Takes ids and places in order of the ids, and writes them to a file."""

    def __init__(self) -> None:
        self._low: list[Ints] = []
        self._places: list[Ints] = []
        self._starts: list[Ints] = []
        self._first_page = self._next_page = 0
        self._nodes = 0

    def add(self, ids: Ints, places: Ints) -> None:
        """Append nodes (places as longitude and latitude in 1e-7 degrees)."""
        if not len(ids):
            return
        if not self._nodes:
            self._first_page = self._next_page = int(ids[0]) >> PAGE_BITS
        last = int(ids[-1]) >> PAGE_BITS
        first_of_page = np.arange(self._next_page, last + 1, dtype=np.int64) << PAGE_BITS
        self._starts.append(self._nodes + np.searchsorted(ids, first_of_page))
        self._next_page = last + 1
        self._nodes += len(ids)
        self._low.append((ids & _PAGE).astype(np.uint16))
        self._places.append(places)

    def write(self, path: Place) -> None:
        """Write the file."""
        pages = self._next_page - self._first_page
        header = np.array([self._first_page, pages, self._nodes], dtype=np.int64)
        end = np.array([self._nodes], dtype=np.int64)

        def fill(temporary: Path) -> None:
            with temporary.open("wb") as file:
                for column in (header, *self._starts, end, *self._places, *self._low):
                    file.write(np.ascontiguousarray(column).data)

        write_file(path, fill)


class _Mapped(NamedTuple):
    """A file of places."""

    first: int
    """The first id of its first page."""
    starts: Ints
    low: Ints
    places: Ints


class Places:
    """Looks places up in files, each with the least id that it holds, in the order of the ids."""

    def __init__(self, files: Sequence[tuple[int, Path]]) -> None:
        self._least = np.array([least for least, _ in files], dtype=np.int64)
        self._files = [_mapped(path) for _, path in files]

    def of(self, refs: Ints) -> Ints:
        """Give the place of each node, `NOWHERE` where it has none."""
        found = np.full((len(refs), 2), NOWHERE, dtype=np.int32)
        if not len(refs) or not self._files:
            return found
        number: Ints = np.searchsorted(self._least, refs, side="right") - 1
        if number.min() == number.max():
            return self._look_up(int(number[0]), refs, found)
        order = np.argsort(number, kind="stable")
        cuts = np.flatnonzero(np.diff(number[order])) + 1
        for rows in np.split(order, cuts):
            own = np.full((len(rows), 2), NOWHERE, dtype=np.int32)
            found[rows] = self._look_up(int(number[rows[0]]), refs[rows], own)
        return found

    def _look_up(self, number: int, refs: Ints, found: Ints) -> Ints:
        if number >= 0:
            file = self._files[number]
            _look_up(refs - file.first, file.starts, file.low, file.places, found)
        return found


def _mapped(path: Path) -> _Mapped:
    data = np.asarray(np.memmap(path, np.uint8, mode="r"))
    first_page, pages, nodes = data[: 8 * _HEADER].view(np.int64).tolist()
    starts_end = 8 * (_HEADER + pages + 1)
    places_end = starts_end + 8 * nodes
    return _Mapped(
        first_page << PAGE_BITS,
        data[8 * _HEADER : starts_end].view(np.int64),
        data[places_end : places_end + 2 * nodes].view(np.uint16),
        data[starts_end:places_end].view(np.int32).reshape(nodes, 2),
    )


@jit
def _look_up(refs: Ints, starts: Ints, low: Ints, places: Ints, found: Ints) -> None:
    """Binary search in a node's page; the next node is often the next one in the file."""
    last, page_end, page_of_last = np.int64(-2), np.int64(0), np.int64(-1)
    for row in range(len(refs)):
        ref = refs[row]
        page = ref >> PAGE_BITS
        if ref < 0 or page >= len(starts) - 1:
            continue
        at = last + 1
        if not (page == page_of_last and 0 <= at < page_end and low[at] == ref & _PAGE):
            at, end = starts[page], starts[page + 1]
            page_of_last, page_end = page, end
            while at < end:
                middle = (at + end) >> 1
                if low[middle] < ref & _PAGE:
                    at = middle + 1
                else:
                    end = middle
            if at >= page_end or low[at] != ref & _PAGE:
                continue
        last = at
        if abs(places[at, 0]) <= 1800000000 and abs(places[at, 1]) <= 900000000:
            found[row, 0] = places[at, 0]
            found[row, 1] = places[at, 1]
