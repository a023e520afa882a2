"""Reads an OSM file with libosmium, in any format and order, complete or incomplete.

There are two passes. The first reads the relations, so that libosmium knows which ways its area
assembler needs; the second reads everything. The module passes objects on only by calling a `Sink`.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.errors import InputError, StorageError
from skyscript.geo.tile import Box
from skyscript.osm.copies import copy_if_needed

if TYPE_CHECKING:
    import osmium

log = logging.getLogger(__name__)

INDEX_IN_MEMORY_UP_TO = 500_000_000
"""Up to this file size in bytes, node locations are in memory: 16 to 32 bytes for each node."""
SPARSE_INDEX_UP_TO = 30_000_000_000
"""Above this file size libosmium's dense file index (8 bytes times the largest id) is smaller."""
SORT_UP_TO = 2_000_000_000
"""The largest file in bytes that is sorted here, because sorting happens in memory."""

INDEX_NAME = "nodes.index"
ENDING = re.compile(
    r"\.((?:osm\.|osc\.|osh\.)?(?:pbf|osm|osc|osh|xml|o5m|o5c|opl|json)(?:\.gz|\.bz2)?)$"
)
NOT_IN_ORDER = re.compile("out of order|twice in input")
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


class NotInOrderError(Exception):
    """The file is not sorted by type and id, or holds an object twice."""


class OsmFile:
    """An OSM file that can be read more than once; keeps node locations between the passes.

    Raises `InputError` if the file does not exist, is not OSM, or is a history or change file.
    ``given`` is its format, if its name does not say it.
    """

    def __init__(self, path: Path, folder: Path, given: str | None = None) -> None:
        file_format = check_file(path, given)
        self.path = path
        self._folder = folder
        self._is_sorted = False
        with self._reading():
            copy = copy_if_needed(path, file_format, folder)
            self._source = str(copy if copy != path else _linked(path, file_format, folder))
            self._ways_have_locations = _ways_have_locations(self._source)
        self._index = self._new_index()

    def read(self, keys: Collection[str], sink: Sink) -> None:
        """Pass every object with one of ``keys`` to ``sink``, once.

        Raises `NotInOrderError` if the file must be sorted first; the sink then has a part of it.
        """
        import osmium

        with self._reading():
            key_filter = osmium.filter.KeyFilter(*sorted(keys))
            areas = osmium.area.AreaManager()
            with osmium.io.Reader(self._source, osmium.osm.RELATION) as reader:
                osmium.apply(reader, key_filter, areas.first_pass_handler())
            built = osmium.BufferIterator(key_filter)
            handlers = [*self._locations(), areas.second_pass_to_buffer(built), key_filter]
            with osmium.io.Reader(self._source, osmium.osm.OBJECT) as reader:
                nodes_may_come = True
                for thing in _things(reader, *handlers):
                    if thing.deleted:
                        continue
                    if thing.is_node():
                        if not nodes_may_come:
                            raise NotInOrderError
                        sink.node(thing)
                    else:
                        nodes_may_come = False
                        (sink.way if thing.is_way() else sink.relation)(thing)
                    if built:
                        _take_areas(built, sink)
            _take_areas(built, sink)

    def sort(self) -> None:
        """Make a sorted copy and read from it; if an object occurs twice, keep the last version.

        libosmium sorts in memory, so this works for files of up to `SORT_UP_TO` bytes.
        """
        import osmium

        if self.path.stat().st_size > SORT_UP_TO:
            raise InputError(
                f"{self.path} is not sorted by type and id, or holds an object twice: sort it with "
                "`osmium sort` first (it is too large to be sorted here)"
            )
        _require_space(self._folder, 2 * self.path.stat().st_size)
        log.info("%s is not sorted by type and id: sorting a copy", self.path)
        target = str(self._folder / "sorted.osm.pbf")
        with self._reading():
            everything = osmium.MergeInputReader()
            everything.add_file(self._source)
            with osmium.SimpleWriter(
                osmium.io.File(target, f"pbf,locations_on_ways={self._ways_have_locations}".lower())
            ) as writer:
                everything.apply(writer)
        self._source, self._is_sorted = target, True
        self._index = self._new_index()

    def bounds(self) -> Box | None:
        """Give the box in degrees that the file's header states; None without one."""
        import osmium

        with self._reading(), osmium.io.Reader(self._source, osmium.osm.NOTHING) as reader:
            box = reader.header().box()
        if not box.valid():
            return None
        low, high = box.bottom_left, box.top_right
        return Box(low.lon, low.lat, high.lon, high.lat)

    def holds_node(self, ids: Collection[int]) -> bool:
        """Say whether the file holds one of these nodes, which its ways lacked: it comes late."""
        import osmium

        if self._is_sorted or self._ways_have_locations:
            return False
        with (
            self._reading(),
            osmium.io.Reader(self._source, osmium.osm.NODE) as reader,
        ):
            wanted = osmium.filter.IdFilter(ids)
            return any(thing.location.valid() for thing in _things(reader, wanted))

    def why_no_area(self, relations: Collection[int]) -> dict[int, str]:
        """Give for each relation the reason why the assembler could not make an area of it."""
        import osmium

        if not relations:
            return {}
        members: dict[int, list[int]] = {}
        ways: dict[int, tuple[int, int] | None] = {}
        with self._reading():
            wanted = osmium.filter.IdFilter(relations)
            with osmium.io.Reader(self._source, osmium.osm.RELATION) as reader:
                for relation in _things(reader, wanted):
                    members[relation.id] = [m.ref for m in relation.members if m.type == "w"]
            ids = {way for refs in members.values() for way in refs if way > 0}
            with osmium.io.Reader(self._source, osmium.osm.WAY) as reader:
                handlers = [*self._locations(), osmium.filter.IdFilter(ids or {0})]
                for way in _things(reader, *handlers):
                    whole = len(way.nodes) > 1 and all(n.location.valid() for n in way.nodes)
                    ways[way.id] = (way.nodes[0].ref, way.nodes[-1].ref) if whole else None
        return {relation: _why_no_area(members.get(relation, []), ways) for relation in relations}

    def _locations(self) -> list[Any]:
        import osmium

        if self._ways_have_locations:
            return []
        handler = osmium.NodeLocationsForWays(self._index)
        handler.ignore_errors()
        return [handler]

    def _new_index(self) -> osmium.index.LocationTable:
        import osmium

        (self._folder / INDEX_NAME).unlink(missing_ok=True)
        return osmium.index.create_map(index_kind(self.path.stat().st_size, self._folder))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn libosmium's errors into one sentence each."""
        import osmium

        try:
            yield
        except (ValueError, osmium.InvalidLocationError) as error:
            what = "text that is not UTF-8" if isinstance(error, UnicodeError) else error
            raise InputError(
                f"{self.path} holds what no OSM file may hold ({what}): correct it, or fetch it "
                "again"
            ) from error
        except RuntimeError as error:
            if NOT_IN_ORDER.search(str(error)):
                raise NotInOrderError from error
            raise InputError(
                f"{self.path} cannot be read as an OSM file ({error}): it is damaged, truncated or "
                "another file; download it again"
            ) from error


def check_file(path: Path, given: str | None = None) -> str:
    """Give the format of a file by its name, or ``given``; raise `InputError` if it is unusable."""
    import osmium

    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {what}: give an OSM extract, for example city.osm.pbf")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} may not be read by this user: change its permissions")
    ending = ENDING.search(path.name.lower())
    file_format = given or (ending and ending[1])
    if not file_format:
        raise InputError(
            f"{path}: the ending is none of an OSM file (.osm.pbf, .pbf, .osm, .osm.gz, .osm.bz2, "
            ".o5m, .opl, .json of Overpass): if it is one, name its `format`"
        )
    if osmium.io.File(str(path), file_format).has_multiple_object_versions:
        raise InputError(
            f"{path} is a history or change file: extract one moment from it, "
            "for example with `osmium time-filter`"
        )
    return file_format


def _linked(path: Path, file_format: str, folder: Path) -> Path:
    """Give a name for the file from which libosmium sees its format."""
    if path.name.endswith(f".{file_format}"):
        return path
    link = folder / f"input.{file_format}"
    link.symlink_to(path.absolute())
    return link


def index_kind(size: int, folder: Path) -> str:
    """Give the name of libosmium's index of node locations for a file of ``size`` bytes."""
    if size <= INDEX_IN_MEMORY_UP_TO:
        return "flex_mem"
    _require_space(folder, 2 * size)
    kind = "sparse_file_array" if size <= SPARSE_INDEX_UP_TO else "dense_file_array"
    return f"{kind},{folder / INDEX_NAME}"


def _require_space(folder: Path, size: int) -> None:
    """Raise `StorageError` unless ``size`` bytes are free.

    Checked before libosmium writes a file, because a full disk makes libosmium end the process.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise StorageError(
            f"{folder}: reading this file needs {size / 1e6:,.0f} MB of scratch space, and "
            f"{free / 1e6:,.0f} MB are free: free some space or use another run folder"
        )


def _ways_have_locations(source: str) -> bool:
    """Tell whether ways contain node locations, as `osmium add-locations-to-ways` writes them."""
    import osmium

    with osmium.io.Reader(source, osmium.osm.NOTHING) as reader:
        header = reader.header()
    features = [header.get(f"pbf_optional_feature_{number}") for number in range(8)]
    return "LocationsOnWays" in features


def _things(reader: osmium.io.Reader, *handlers: Any) -> Iterator[Any]:  # noqa: ANN401
    """Iterate over the objects that pass the handlers."""
    import osmium

    yield from osmium.OsmFileIterator(reader, *handlers)


def _take_areas(built: Iterable[Any], sink: Sink) -> None:
    for area in built:
        if not area.from_way():
            sink.area(area)


def _why_no_area(members: list[int], ways: dict[int, tuple[int, int] | None]) -> str:
    if not members:
        return "relation without ways"
    if any(member not in ways for member in members):
        return "ways of the relation are not in the extract"
    ends = [ways[member] for member in members]
    if None in ends:
        return "nodes of the relation's ways are not in the extract"
    meeting = Counter(node for pair in ends if pair and pair[0] != pair[1] for node in pair)
    if any(count % 2 for count in meeting.values()):
        return "rings of the relation do not close"
    return "rings of the relation cross or repeat"
