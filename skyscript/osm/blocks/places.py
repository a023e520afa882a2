"""Where the nodes are: a map from id to place, ten bytes a node, in files that are mapped.

Nodes come in the order of their ids. A directory says where each page of 4,096 ids starts; within
a page two bytes of the id are searched.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skyscript.osm.blocks.protobuf import Ints, jit

PAGE_BITS = 12
NOWHERE = 0x7FFFFFFF
"""The coordinate of a node without a valid place, as in libosmium."""
_PAGE = (1 << PAGE_BITS) - 1


class Places:
    """Takes ids and places in order of the ids; then looks places up."""

    def __init__(self, folder: Path) -> None:
        self._paths = folder / "nodes.ids", folder / "nodes.places"
        self._files = [path.open("wb") for path in self._paths]
        self._starts: list[Ints] = []
        self._pages = 0
        self._nodes = 0
        self._index: tuple[Ints, Ints, Ints] | None = None

    def add(self, ids: Ints, places: Ints) -> None:
        """Append nodes (places as longitude and latitude in 1e-7 degrees)."""
        if not len(ids):
            return
        last = int(ids[-1]) >> PAGE_BITS
        first_of_page = np.arange(self._pages, last + 1, dtype=np.int64) << PAGE_BITS
        self._starts.append(self._nodes + np.searchsorted(ids, first_of_page))
        self._pages = last + 1
        self._nodes += len(ids)
        self._files[0].write((ids & _PAGE).astype(np.uint16))
        self._files[1].write(places)

    def finish(self) -> None:
        """Map the files; from now on places are looked up."""
        for file in self._files:
            file.close()
        starts = np.concatenate([*self._starts, np.array([self._nodes], np.int64)])
        self._starts = []
        if not self._nodes:
            self._index = starts, np.empty(0, np.uint16), np.empty((0, 2), np.int32)
            return
        low = np.memmap(self._paths[0], np.uint16, mode="r", shape=(self._nodes,))
        places = np.memmap(self._paths[1], np.int32, mode="r", shape=(self._nodes, 2))
        self._index = starts, np.asarray(low), np.asarray(places)

    def of(self, refs: Ints) -> Ints:
        """Give the place of each node, `NOWHERE` where it has none."""
        if self._index is None:
            raise RuntimeError("the index of nodes is not finished")
        found = np.empty((len(refs), 2), dtype=np.int32)
        _look_up(refs, *self._index, found)
        return found

    def close(self) -> None:
        """Remove the files."""
        self._index = None
        for file, path in zip(self._files, self._paths, strict=True):
            file.close()
            path.unlink(missing_ok=True)


@jit
def _look_up(refs: Ints, starts: Ints, low: Ints, places: Ints, found: Ints) -> None:
    """Binary search in a node's page; the next node is often the next one in the index."""
    last, page_end, page_of_last = np.int64(-2), np.int64(0), np.int64(-1)
    for row in range(len(refs)):
        found[row, 0] = NOWHERE
        found[row, 1] = NOWHERE
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
