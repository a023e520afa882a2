"""Makes the areas of some relations of a file whose ways have places: see `blocks.aside`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import osmium


class _Areas:
    """Takes the areas that libosmium makes."""

    def __init__(self, take: Callable[[osmium.osm.Area], None]) -> None:
        self._take = take

    def area(self, area: osmium.osm.Area) -> None:
        """Pass an area of a relation on."""
        if not area.from_way():
            self._take(area)


def assemble(
    path: Path, relations: Collection[int], take: Callable[[osmium.osm.Area], None]
) -> None:
    """Pass the areas of some relations to ``take``, each as soon as its last way is read.

    Memory holds the ways of these relations, until then.
    """
    import osmium

    areas = osmium.area.AreaManager()
    with osmium.io.Reader(str(path), osmium.osm.RELATION) as reader:
        osmium.apply(reader, osmium.filter.IdFilter(relations), areas.first_pass_handler())
    with osmium.io.Reader(str(path), osmium.osm.WAY) as reader:
        osmium.apply(reader, areas.second_pass_handler(_Areas(take)))
