"""Reads a PBF file in three passes over its blocks: relations, nodes, ways.

The relations, which come last, tell whose ways the assembler needs. Nodes go into an index of
places; ways are then decoded with their places. Threads decode blocks side by side; results are
passed on in the order of the file. Nothing grows with the file but the index, which is on disk,
and the ids of the ways that are parts of area relations.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from skyscript.osm.blocks.aside import AreaRelation, Aside
from skyscript.osm.blocks.block import DENSE, NODE, RELATION, WAY, Block, take_apart
from skyscript.osm.blocks.columns import (
    Nodes,
    Objects,
    Parts,
    member_ways,
    nodes_of,
    relations_of,
    ways_of,
)
from skyscript.osm.blocks.container import Blob, Container
from skyscript.osm.blocks.errors import NotTakenError
from skyscript.osm.blocks.places import Places
from skyscript.osm.blocks.protobuf import Ints
from skyscript.osm.blocks.texts import Keys
from skyscript.osm.inputs import unreadable

THREADS = 2
AHEAD = 6
"""Blocks that are decoded or wait for their turn."""
_RANK = {NODE: 0, DENSE: 0, WAY: 1, RELATION: 2}

T = TypeVar("T")


class Ways(NamedTuple):
    """Ways that have one of the keys, with their nodes and the nodes' places."""

    objects: Objects
    ends: Ints
    refs: Ints
    places: Ints


class Sink(Protocol):
    """Takes columns; ``rows_of_nodes`` and ``rows_of_ways`` are called by threads."""

    def rows_of_nodes(self, nodes: Objects, places: Ints) -> Any:  # noqa: ANN401
        """Give what shall be written of nodes."""
        ...

    def rows_of_ways(self, ways: Ways) -> Any:  # noqa: ANN401
        """Give what shall be written of ways."""
        ...

    def write(self, rows: Any) -> None:  # noqa: ANN401
        """Write rows, which come in the order of the file."""
        ...

    def relations(self, relations: Parts) -> Iterable[AreaRelation]:
        """Take relations; give those of which the assembler shall make areas."""
        ...


def read_blocks(path: Path, keys: Collection[str], sink: Sink, folder: Path) -> Path:
    """Pass every object with one of ``keys`` to ``sink``, once.

    Gives a PBF file in ``folder`` that holds the area relations and their ways, for libosmium's
    assembler. Raises `InputError` if the file is damaged, and `NotTakenError` if libosmium must
    read it; the sink then has a part.
    """
    with _reading(path), closing(Container(path)) as file, ThreadPoolExecutor(THREADS) as pool:
        passes = _Passes(file, pool, Keys.of(keys), sink)
        with closing(Places(folder)) as places:
            passes.find_members()
            passes.nodes(places)
            with closing(Aside(folder / "areas.osm.pbf")) as aside:
                passes.ways(places, aside)
                aside.relations(passes.relations())
    return aside.path


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:
        raise NotTakenError(f"it holds {error}") from error
    except ValueError as error:
        raise unreadable(path, error) from error


class _Passes:
    def __init__(self, file: Container, pool: ThreadPoolExecutor, keys: Keys, sink: Sink) -> None:
        self._file = file
        self._pool = pool
        self._keys = keys
        self._sink = sink
        self._members = np.empty(0, np.int64)
        self._ways_from = 0
        self._relations_from = len(file.blobs)

    def find_members(self) -> None:
        """Find the ways that relations with one of the keys have, from the last block on."""
        members = [self._members]
        while self._relations_from:
            block = self._block(self._file.blobs[self._relations_from - 1])
            if not block.has(RELATION):
                break
            self._relations_from -= 1
            members.append(member_ways(relations_of(block, self._keys)))
        self._members = np.unique(np.concatenate(members))

    def nodes(self, places: Places) -> None:
        """Take the nodes, up to the block that holds the first way."""
        last = 0
        for block, found, rows in self._decoded(0, self._decode_nodes):
            self._require_order(block, 0)
            last = _require_rising(last, found.ids)
            places.add(found.ids, found.places)
            if rows is not None:
                self._sink.write(rows)
            if block.has(WAY, RELATION):
                break
            self._ways_from += 1
        places.finish()

    def ways(self, places: Places, aside: Aside) -> None:
        """Take the ways, up to the block that holds the first relation."""

        def decode(blob: Blob) -> tuple[Block, Parts, Ints, Any]:
            block = self._block(blob)
            found = ways_of(block, self._keys, self._members)
            at = places.of(found.parts)
            wanted = _wanted(found, at)
            return block, found, at, self._sink.rows_of_ways(wanted) if wanted else None

        last, number = 0, self._ways_from
        for block, found, at, rows in self._decoded(number, decode):
            self._require_order(block, 0 if number == self._ways_from else 1)
            if block.has(RELATION) and number < self._relations_from:
                raise NotTakenError("it is not sorted by type")
            if block.has(WAY):
                last = _require_rising(last, np.array(found.bounds))
            if rows is not None:
                self._sink.write(rows)
            aside.ways(*_members(found, at))
            number += 1
            if number > self._relations_from:
                break

    def relations(self) -> Iterator[AreaRelation]:
        """Take the relations; give those that are areas."""

        def decode(blob: Blob) -> tuple[Block, Parts]:
            block = self._block(blob)
            return block, relations_of(block, self._keys)

        last, first = 0, self._relations_from
        for number, (block, found) in enumerate(self._decoded(first, decode)):
            self._require_order(block, 2 if number else 0)
            last = _require_rising(last, np.array(found.bounds))
            yield from self._sink.relations(found)

    def _decode_nodes(self, blob: Blob) -> tuple[Block, Nodes, Any]:
        block = self._block(blob)
        found = nodes_of(block, self._keys)
        rows = None
        if len(found.rows):
            rows = self._sink.rows_of_nodes(found.wanted, found.places[found.rows])
        return block, found, rows

    def _block(self, blob: Blob) -> Block:
        return take_apart(self._file.data(blob))

    def _decoded(self, first: int, decode: Callable[[Blob], T]) -> Iterator[T]:
        """Decode blobs from the number ``first`` on in threads; give them in order."""
        waiting: deque[Future[T]] = deque()
        try:
            for blob in self._file.blobs[first:]:
                waiting.append(self._pool.submit(decode, blob))
                if len(waiting) >= AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _require_order(self, block: Block, least: int) -> None:
        """Refuse a block whose objects are not sorted by type, or of a type before ``least``."""
        ranks = [_RANK.get(int(kind), -1) for kind in np.unique(block.items[:, 0])]
        order = np.diff(np.array([0, 0, 0, 1, 2])[np.clip(block.items[:, 0], 0, 4)])
        if ranks and (min(ranks) < least or (order < 0).any()):
            raise NotTakenError("it is not sorted by type, or holds objects of another type")


def _require_rising(last: int, ids: Ints) -> int:
    if not len(ids):
        return last
    if ids[0] <= last or (np.diff(ids) < 0).any():
        raise NotTakenError("its ids do not rise")
    return int(ids[-1])


def _wanted(found: Parts, places: Ints) -> Ways | None:
    """Keep the ways that have one of the keys, and their tags and nodes."""
    keep = found.is_wanted
    if keep.all():
        return Ways(found.objects, found.ends, found.parts, places) if len(keep) else None
    if not keep.any():
        return None
    old = found.objects
    tag = np.repeat(keep, np.diff(old.tag_ends, prepend=0))
    node = np.repeat(keep, np.diff(found.ends, prepend=0))
    objects = Objects(
        old.ids[keep],
        old.versions[keep],
        old.changed[keep],
        np.cumsum(np.diff(old.tag_ends, prepend=0)[keep]),
        old.tag_numbers[tag],
        old.keys.filter(tag),
        old.values.filter(tag),
    )
    ends = np.cumsum(np.diff(found.ends, prepend=0)[keep])
    return Ways(objects, ends, found.parts[node], places[node])


def _members(found: Parts, places: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Keep the ways that are parts of area relations: ids, ends, nodes and places."""
    keep = found.is_member
    sizes = np.diff(found.ends, prepend=0)
    node = np.repeat(keep, sizes)
    return found.objects.ids[keep], np.cumsum(sizes[keep]), found.parts[node], places[node]
