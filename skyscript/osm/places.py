"""Reads an OSM file once for what it holds and where: no area is assembled, no geometry is kept.

`tagged_objects` is the only function that reads; a faster decoder may take its place.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from skyscript.geo.antimeridian import cut, middles, on_one_side, written_on
from skyscript.osm import areas
from skyscript.osm.copies import copy_if_needed
from skyscript.osm.file import AREA_RELATIONS
from skyscript.osm.inputs import check_file, unreadable
from skyscript.osm.node_index import index_kind
from skyscript.osm.reasons import FEW_POINTS, NO_NODES, NO_PLACE, NOT_AREA, NOT_TEXT, UNCLEAR

if TYPE_CHECKING:
    import osmium

BATCH = 10_000
"""Objects in memory before their places are computed."""

Type = Literal["node", "way", "relation"]
NO_TAG = "no tag"
DELETED = "deleted"


class Thing(NamedTuple):
    """An object with tags."""

    type: Type
    kind: str
    """n node, w line, a area, r multipolygon or boundary."""
    tags: Mapping[str, str]
    place: tuple[float, float] | None
    """Longitude and latitude of the centre of its box; None for a relation."""
    reason: str | None
    """Why `extract` would reject it; None if it would not, as far as one pass can tell."""


def tagged_objects(
    path: Path, given: str | None, folder: Path, untagged: Counter[tuple[Type, str]]
) -> Iterator[Thing]:
    """Yield the objects of a file that have tags; count the others in ``untagged`` by reason.

    ``given`` is the file's format, if its name does not say it; scratch files lie in ``folder``.
    Raises `InputError` if it cannot be read.
    """
    import osmium

    file_format = check_file(path, given)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        try:
            source = copy_if_needed(path, file_format, Path(scratch))
            file = osmium.io.File(str(source), file_format if source == path else "")
            things = (
                osmium.FileProcessor(file)
                .with_locations(index_kind(path.stat().st_size, Path(scratch)))
                .with_filter(osmium.filter.EmptyTagFilter())
                .handler_for_filtered(_Untagged(untagged))
            )
            yield from _placed(things, untagged)
        except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
            raise unreadable(path, error) from error


class _Untagged:
    """Counts objects that libosmium passes to it."""

    def __init__(self, counts: Counter[tuple[Type, str]]) -> None:
        self._counts = counts

    def node(self, node: osmium.osm.Node) -> None:
        self._counts["node", DELETED if node.deleted else NO_TAG] += 1

    def way(self, way: osmium.osm.Way) -> None:
        self._counts["way", DELETED if way.deleted else NO_TAG] += 1

    def relation(self, relation: osmium.osm.Relation) -> None:
        self._counts["relation", DELETED if relation.deleted else NO_TAG] += 1


def _placed(
    things: Iterator[Any] | Any,  # noqa: ANN401 - pyosmium's
    untagged: Counter[tuple[Type, str]],
) -> Iterator[Thing]:
    """Give objects their places, in batches."""
    import osmium

    take = _Taker(osmium.geom.WKBFactory())
    batch: list[Thing] = []
    lines: list[str | None] = []
    for thing in things:
        if thing.deleted:
            untagged[_type(thing), DELETED] += 1
            continue
        taken, line = take(thing)
        batch.append(taken)
        lines.append(line)
        if len(batch) >= BATCH:
            yield from _with_places(batch, lines)
            batch, lines = [], []
    yield from _with_places(batch, lines)


def _type(thing: Any) -> Type:  # noqa: ANN401 - pyosmium's
    return "node" if thing.is_node() else "way" if thing.is_way() else "relation"


class _Taker:
    """Gives an object without its place, and its line as WKB in hex."""

    def __init__(self, factory: Any) -> None:  # noqa: ANN401
        import osmium

        self._line = factory.create_linestring
        self._bad_place = osmium.InvalidLocationError

    def __call__(self, thing: Any) -> tuple[Thing, str | None]:  # noqa: ANN401
        """Take an object of pyosmium."""
        try:
            tags = dict(thing.tags)
        except UnicodeDecodeError:
            kind = _type(thing)
            return Thing(kind, kind[0], {}, None, NOT_TEXT), None
        if thing.is_way():
            return self._way(thing, tags)
        if thing.is_node():
            place = thing.location
            if place.valid():
                return Thing("node", "n", tags, (place.lon, place.lat), None), None
            return Thing("node", "n", tags, None, NO_PLACE), None
        is_area = tags.get("type") in AREA_RELATIONS
        return Thing("relation", "r", tags, None, None if is_area else NOT_AREA), None

    def _way(self, thing: Any, tags: dict[str, str]) -> tuple[Thing, str | None]:  # noqa: ANN401
        """Take a way; the factory refuses every bad place but those at the start."""
        kind = "a" if thing.is_closed() and areas.closed_way(tags).is_area else "w"
        try:
            wkb = self._line(thing)
            reason = None if thing.nodes[0].location.valid() else NO_NODES
        except self._bad_place:
            reason = NO_NODES
        except RuntimeError:
            reason = FEW_POINTS
        return Thing("way", kind, tags, None, reason), None if reason else wkb


def _with_places(batch: list[Thing], lines: list[str | None]) -> Iterator[Thing]:
    shapes, unclear = written_on(on_one_side(shapely.from_wkb(np.array(lines, object))))
    boxes: npt.NDArray[np.float64] = shapely.bounds(cut(shapes))
    centres = np.column_stack([middles(boxes), (boxes[:, 1] + boxes[:, 3]) / 2]).tolist()
    for thing, line, (lon, lat), is_unclear in zip(batch, lines, centres, unclear, strict=True):
        if line is None:
            yield thing
        elif is_unclear:
            yield thing._replace(reason=UNCLEAR)
        else:
            yield Thing(thing.type, thing.kind, thing.tags, (lon, lat), None)
