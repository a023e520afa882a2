"""How complete the map is for a concept in a cell, from the counts of the cells around.

With ``n`` objects in the cell, ``e`` in the mean of the cells around that have any object, and the
prior ``s``, the completeness is (n + s c) / (e + s), 1 at most; ``c`` is the completeness of the
next more general concept (the lowest of several), of a root that of all objects, of these 1. So a
frequent concept is judged by its own counts, and a rare one by those of more general ones. It is
lowered where few objects were edited again: such a cell was drawn once, and nobody looked again.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from skyscript.captions.tile_concepts import next_above
from skyscript.geo.tile import Box
from skyscript.osm.density import ANY, Cell, Count, cells_in
from stages.truth.config import TruthConfig

_NONE = Count(0, 0, -1)


class Completeness:
    """The completeness of concepts in the cells of a shard's tiles."""

    def __init__(
        self, counts: Mapping[Cell, Mapping[str, Count]], side: float, config: TruthConfig
    ) -> None:
        self._counts, self._side, self._config = counts, side, config
        self._relative = functools.cache(self._compare)
        self._around = functools.cache(self._cells_around)
        self._tended = functools.cache(self._share_tended)
        self._cells = functools.cache(lambda box: tuple(cells_in(box, side)))

    def of(self, box: Box, name: str) -> float:
        """Give the completeness of a concept in an image: the lowest of its cells."""
        cells = self._cells(box)
        return min(self._relative(cell, name) * self._tended(cell) for cell in cells)

    def known(self, box: Box) -> set[str]:
        """Give the concepts of the objects in the image's cells and around."""
        cells = cells_in(box, self._side, self._config.reach)
        return set().union(*(self._counts.get(cell, {}) for cell in cells)) - {ANY}

    def changed(self, box: Box) -> int | None:
        """Give the earliest last change of an image's cells; None if the extract lacks it.

        In seconds since 1970. A cell without an object was never changed.
        """
        last = [self._count(cell, ANY).changed for cell in self._cells(box)]
        return min(last) if max(last) >= 0 else None

    def _count(self, cell: Cell, name: str) -> Count:
        return self._counts.get(cell, {}).get(name, _NONE)

    def _cells_around(self, cell: Cell) -> Sequence[Cell]:
        reach = self._config.reach
        steps = range(-reach, reach + 1)
        near = ((cell[0] + x, cell[1] + y) for x in steps for y in steps)
        return [one for one in near if one != cell and self._count(one, ANY).objects]

    def _compare(self, cell: Cell, name: str) -> float:
        around = self._around(cell)
        expected = sum(self._count(one, name).objects for one in around) / max(len(around), 1)
        general = 1.0
        if name != ANY:
            general = min(self._relative(cell, above) for above in next_above(name) or (ANY,))
        prior = self._config.prior
        own = self._count(cell, name).objects
        return min(1.0, (own + prior * general) / (expected + prior))

    def _share_tended(self, cell: Cell) -> float:
        """Give 1 if enough objects of a cell were edited again, or if the extract cannot tell.

        It cannot if no object there or around was: a country's first versions, a made-up map.
        """
        count, enough = self._count(cell, ANY), self._config.min_revisited
        again = any(self._count(one, ANY).revisited for one in (cell, *self._around(cell)))
        if not (count.objects and again and enough):
            return 1.0
        return min(1.0, count.revisited / count.objects / enough)
