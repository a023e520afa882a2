"""Reads an OSM file with libosmium, in any format and order, complete or incomplete.

There are two passes. The first reads the relations, so that libosmium knows which ways its area
assembler needs; the second reads everything. The module passes objects on only by calling a `Sink`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pipeline.errors import InputError
from skyscript.geo.tile import Box
from skyscript.osm.copies import copy_as_elements, copy_if_needed
from skyscript.osm.inputs import unreadable
from skyscript.osm.node_index import IndexChoice, index_kind, require_space

if TYPE_CHECKING:
    import osmium

log = logging.getLogger(__name__)
Result = TypeVar("Result")

SORT_UP_TO = 2_000_000_000
"""The largest file in bytes that is sorted here, because sorting happens in memory."""

NOT_IN_ORDER = re.compile("out of order|twice in input")
BAD_COORDINATE = "wrong format for coordinate"
AREA_RELATIONS = frozenset(("multipolygon", "boundary"))
"""Relation types from which libosmium's assembler makes areas."""


class Sink(Protocol):
    """Takes the objects of a file one by one; each is valid only during the call."""

    def node(self, node: osmium.osm.Node) -> None:
        """Take a node that has one of the keys."""
        ...

    def way(self, way: osmium.osm.Way) -> None:
        """Take a way that has one of the keys, open or closed."""
        ...

    def relation(self, relation: osmium.osm.Relation) -> None:
        """Take a relation of any type that has one of the keys."""
        ...

    def area(self, area: osmium.osm.Area) -> None:
        """Take an area that the assembler made of a relation; it may have no ring."""
        ...


class NeedsCopyError(Exception):
    """The file cannot be read as it is: it must first be copied, by ``make_copy``."""

    def __init__(self, make_copy: Callable[[], None]) -> None:
        super().__init__()
        self.make_copy = make_copy


def with_copies(work: Callable[[], Result]) -> Result:
    """Do some work on files; make the copies of them that it turns out to need."""
    while True:
        try:
            return work()
        except NeedsCopyError as error:
            error.make_copy()


class OsmFile:
    """An OSM file that can be read more than once; keeps node locations between the passes.

    Raises `InputError` if the file is not OSM. ``file_format`` is as `check_file` gives it;
    ``name`` stands for the file in messages.
    """

    def __init__(
        self,
        path: Path,
        folder: Path,
        file_format: str,
        index: IndexChoice = "auto",
        name: str | None = None,
    ) -> None:
        self.path, self.name = path, name or str(path)
        self.folder, self._format, self._index_choice = folder, file_format, index
        self._is_sorted = self._is_rewritten = False
        with self._reading():
            copy = copy_if_needed(path, file_format, folder)
            self.source = str(copy if copy != path else _linked(path, file_format, folder))
            header = _header(self.source)
        self.ways_have_locations = _ways_have_locations(header)
        self.bounds = _bounds(header)
        """The boxes within which the file is complete, as its header states; none without one."""
        self._index: osmium.index.LocationTable | None = None

    def read(self, keys: Collection[str], sink: Sink) -> None:
        """Pass every object with one of ``keys`` to ``sink``, once.

        Raises `NeedsCopyError` if the file must be copied first; the sink then has a part of it.
        """
        import osmium

        self._index = self._new_index()
        with self._reading():
            key_filter = osmium.filter.KeyFilter(*sorted(keys))
            areas = osmium.area.AreaManager()
            with osmium.io.Reader(self.source, osmium.osm.RELATION) as reader:
                osmium.apply(reader, key_filter, areas.first_pass_handler())
            built = osmium.BufferIterator(key_filter)
            handlers = [*self._locations(), areas.second_pass_to_buffer(built), key_filter]
            with osmium.io.Reader(self.source, osmium.osm.OBJECT) as reader:
                nodes_may_come = True
                for thing in _things(reader, *handlers):
                    if thing.deleted:
                        continue
                    if thing.is_node():
                        if not nodes_may_come:
                            raise self.not_in_order()
                        sink.node(thing)
                    else:
                        nodes_may_come = False
                        (sink.way if thing.is_way() else sink.relation)(thing)
                    if built:
                        _take_areas(built, sink)
            _take_areas(built, sink)

    def not_in_order(self) -> Exception:
        """Give the error of a file that is not sorted by type and id, or holds an object twice."""
        if self._is_sorted:
            return InputError(f"{self.name} holds the same object twice, even when it is sorted")
        return NeedsCopyError(self._sort)

    def _sort(self) -> None:
        """Make a sorted copy and read from it; if an object occurs twice, keep the last version.

        libosmium sorts in memory, so this works for files of up to `SORT_UP_TO` bytes.
        """
        import osmium

        if self.path.stat().st_size > SORT_UP_TO:
            raise InputError(
                f"{self.name} is not sorted by type and id, or holds an object twice: sort it with "
                "`osmium sort` first (it is too large to be sorted here)"
            )
        require_space(self.folder, 2 * self.path.stat().st_size)
        log.info("%s is not sorted by type and id: sorting a copy", self.name)
        target = str(self.folder / "sorted.osm.pbf")
        with self._reading():
            everything = osmium.MergeInputReader()
            everything.add_file(self.source)
            with osmium.SimpleWriter(
                osmium.io.File(target, f"pbf,locations_on_ways={self.ways_have_locations}".lower())
            ) as writer:
                everything.apply(writer)
        self.source, self._is_sorted = target, True

    def _rewrite(self) -> None:
        """Copy XML in which a coordinate is no number, and read from the copy."""
        self.source = str(copy_as_elements(self.path, self._format, self.folder))
        self._is_rewritten = True

    def things(self) -> Iterator[Any]:
        """Iterate over all objects; each is valid until the next one. Raises `NeedsCopyError`."""
        import osmium

        with self._reading(), osmium.io.Reader(self.source, osmium.osm.OBJECT) as reader:
            yield from _things(reader)

    def holds_node(self, ids: Collection[int]) -> bool:
        """Say whether the file holds one of these nodes, which its ways lacked: it comes late."""
        import osmium

        if self._is_sorted or self.ways_have_locations:
            return False
        with (
            self._reading(),
            osmium.io.Reader(self.source, osmium.osm.NODE) as reader,
        ):
            wanted = osmium.filter.IdFilter(ids)
            return any(thing.location.valid() for thing in _things(reader, wanted))

    def relations(self, ids: Collection[int]) -> Iterator[osmium.osm.Relation]:
        """Iterate over the relations with these ids; each is valid until the next one."""
        import osmium

        with self._reading(), osmium.io.Reader(self.source, osmium.osm.RELATION) as reader:
            yield from _things(reader, osmium.filter.IdFilter(ids))

    def ways(self, ids: Collection[int]) -> Iterator[osmium.osm.Way]:
        """Iterate over the ways with these ids, with places, after `read`."""
        import osmium

        with self._reading(), osmium.io.Reader(self.source, osmium.osm.WAY) as reader:
            yield from _things(reader, *self._locations(), osmium.filter.IdFilter(ids))

    def _locations(self) -> list[Any]:
        import osmium

        if self.ways_have_locations:
            return []
        assert self._index is not None  # read before
        handler = osmium.NodeLocationsForWays(self._index)
        handler.ignore_errors()
        return [handler]

    def _new_index(self) -> osmium.index.LocationTable:
        import osmium

        size = self.path.stat().st_size
        return osmium.index.create_map(index_kind(size, self.folder, self._index_choice))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn libosmium's errors into one sentence each."""
        import osmium

        try:
            yield
        except (ValueError, osmium.InvalidLocationError) as error:
            if BAD_COORDINATE in str(error) and not self._is_rewritten and self._is_xml():
                raise NeedsCopyError(self._rewrite) from error
            what = "text that is not UTF-8" if isinstance(error, UnicodeError) else error
            raise InputError(
                f"{self.name} holds what no OSM file may hold ({what}): correct it, or fetch it "
                "again"
            ) from error
        except RuntimeError as error:
            if NOT_IN_ORDER.search(str(error)):
                raise self.not_in_order() from error
            raise unreadable(self.name, error) from error

    def _is_xml(self) -> bool:
        return not any(word in self._format for word in ("pbf", "o5m", "opl", "json"))


def _linked(path: Path, file_format: str, folder: Path) -> Path:
    """Give a name for the file from which libosmium sees its format."""
    if path.name.endswith(f".{file_format}"):
        return path
    link = folder / f"input.{file_format}"
    link.symlink_to(path.absolute())
    return link


def _header(source: str) -> osmium.io.Header:
    import osmium

    with osmium.io.Reader(source, osmium.osm.NOTHING) as reader:
        return reader.header()


def bounds_in_header(path: Path, folder: Path, file_format: str) -> list[Box]:
    """Give the boxes within which a file is complete, as its header states; none without one."""
    return _bounds(_header(str(_linked(path, file_format, folder))))


def _ways_have_locations(header: osmium.io.Header) -> bool:
    """Tell whether ways contain node locations, as `osmium add-locations-to-ways` writes them."""
    features = [header.get(f"pbf_optional_feature_{number}") for number in range(8)]
    return "LocationsOnWays" in features


def _bounds(header: osmium.io.Header) -> list[Box]:
    box = header.box()
    if not box.valid():
        return []
    low, high = box.bottom_left, box.top_right
    return [Box(low.lon, low.lat, high.lon, high.lat)]


def _things(reader: osmium.io.Reader, *handlers: Any) -> Iterator[Any]:  # noqa: ANN401
    """Iterate over the objects that pass the handlers."""
    import osmium

    yield from osmium.OsmFileIterator(reader, *handlers)


def _take_areas(built: Iterable[Any], sink: Sink) -> None:
    for area in built:
        if not area.from_way():
            sink.area(area)
