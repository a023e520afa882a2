"""Which items a STAC API has, by the maintained client."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import shapely

from skyscript.backends.stac.items import outline_of
from skyscript.backends.stac.query import BROKEN, CLOUD, StacQuery, cloud_of, is_wanted
from skyscript.geo.tile import Box
from skyscript.imagery.cover import choose
from skyscript.imagery.places import bounding_box, cells_by_place, search_areas

_PAGE, _CLEAREST_PAGE = 250, 100
_MOST = 1000
"""Items of a place that are compared."""
Item = Mapping[str, Any]
log = logging.getLogger(__name__)


def items_of_api(api: Any, wanted: StacQuery, places: Sequence[Box]) -> Iterator[Item]:  # noqa: ANN401
    """Give the items of some places; of each place the clearest, where their number is limited."""
    first, last = wanted.years
    question: dict[str, Any] = {
        "collections": [wanted.route.collection],
        "datetime": f"{first:04}-01-01T00:00:00Z/{last:04}-12-31T23:59:59Z",
    }
    query: dict[str, Any] = {}
    if wanted.route.platform is not None:
        query["platform"] = {"eq": wanted.route.platform}
    if wanted.per_place is None:
        question |= {"limit": _PAGE} | ({"query": query} if query else {})
        for area in search_areas(places):
            yield from api.search(**question, bbox=list(area)).items_as_dicts()
        return
    question["query"] = {**query, CLOUD: {"lt": wanted.max_cloud, "gte": 0}}
    question["sortby"] = [{"field": f"properties.{CLOUD}", "direction": "asc"}]
    question |= {"limit": _CLEAREST_PAGE, "max_items": _MOST}
    is_told = False
    for cells in cells_by_place(places):
        pages = api.search(**question, bbox=list(bounding_box(cells))).pages_as_dicts()
        of_place = _OfPlace(wanted, cells, wanted.per_place)
        for page in pages:
            of_place.add(page["features"])
            if of_place.is_complete():
                break
        if not of_place.is_as_asked and not is_told:
            log.warning(
                "%s: %s ignores a part of the search; of each place up to %d items are compared "
                "here",
                wanted.alias,
                wanted.route.address,
                _MOST,
            )
            is_told = True
        yield from of_place.chosen()


class _OfPlace:
    """The items of a place, as its pages come: the clearest first, if the API does as asked."""

    def __init__(self, wanted: StacQuery, cells: Sequence[Box], count: int) -> None:
        self._wanted, self._cells, self._count = wanted, cells, count
        self._found: list[tuple[float, str, Item, shapely.Geometry]] = []
        self._broken: list[Item] = []
        self._last = 0.0
        self.is_as_asked = True
        """Whether all items are wanted, and each is at most as clear as the one before."""

    def add(self, items: Sequence[Item]) -> None:
        for item in items:
            try:
                cloud = _last(cloud_of(item))
                is_one = is_wanted(item, self._wanted)
                outline = outline_of(item)
            except (*BROKEN, shapely.errors.ShapelyError):
                self._broken.append(item)
                continue
            self.is_as_asked &= is_one and cloud >= self._last
            self._last = cloud
            if is_one and outline is not None:
                self._found.append((cloud, str(item.get("id")), item, outline))

    def is_complete(self) -> bool:
        """Say whether further items, which are less clear, are of no use."""
        return self.is_as_asked and not self._choice()[1]

    def chosen(self) -> list[Item]:
        """Give the items that cover each cell, the clearest of them; and broken ones, to count."""
        kept, _ = self._choice()
        return [self._found[number][2] for number in kept] + self._broken

    def _choice(self) -> tuple[list[int], list[int]]:
        self._found.sort(key=lambda each: each[:2])
        gsd = self._wanted.gsd or self._wanted.source_gsd or 0.0
        return choose([each[3] for each in self._found], self._cells, self._count, gsd)


def _last(cloud: float | None) -> float:
    return float("inf") if cloud is None else cloud
