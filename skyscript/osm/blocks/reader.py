"""Reads ranges of the blobs of a PBF file into columns.

Ranges are independent of each other, but ways need the places of the nodes. So one process may read
one range while others read others. What is in memory is a block, and what the caller keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skyscript.osm.blocks.aside import Aside
from skyscript.osm.blocks.block import DENSE, NODE, RELATION, WAY, Block, take_apart
from skyscript.osm.blocks.columns import (
    Objects,
    Parts,
    member_ways,
    nodes_of,
    relations_of,
    ways_of,
)
from skyscript.osm.blocks.container import Blob, Container
from skyscript.osm.blocks.errors import NotTakenError
from skyscript.osm.blocks.places import NewPlaces, Places
from skyscript.osm.blocks.protobuf import Ints
from skyscript.osm.blocks.texts import Keys
from skyscript.osm.inputs import unreadable

_RANK = {NODE: 0, DENSE: 0, WAY: 1, RELATION: 2}
_NO_IDS = np.empty(0, np.int64)


class Ways(NamedTuple):
    """Ways that have one of the keys, with their nodes and the nodes' places."""

    objects: Objects
    ends: Ints
    refs: Ints
    places: Ints


class Span:
    """The first and last id of what was read; 0 if nothing was."""

    def __init__(self) -> None:
        self.first = self.last = 0

    def take(self, ids: Ints) -> None:
        """Take the next ids, which must be positive and rise."""
        if not len(ids):
            return
        if ids[0] <= self.last or (np.diff(ids) < 0).any():
            raise NotTakenError("its ids do not rise")
        self.first = self.first or int(ids[0])
        self.last = int(ids[-1])


class BlockFile:
    """An open file; `open_blocks` gives it."""

    def __init__(self, container: Container, keys: Keys) -> None:
        self._container = container
        self._keys = keys

    def blobs(self) -> list[Blob]:
        """Find all blobs of data."""
        return self._container.find_all()

    def holds(self, blob: Blob, *kinds: int) -> bool:
        """Tell whether a blob holds objects of some kinds (`WAY`, `RELATION` ...)."""
        return self._block(blob).has(*kinds)

    def first_way(self, blobs: Iterable[Blob]) -> int | None:
        """Give the id of the first way in some blobs; None if there is none."""
        for blob in blobs:
            block = self._block(blob)
            if block.has(WAY):
                return ways_of(block, self._keys, _NO_IDS).bounds[0]
        return None

    def members(self, blobs: Sequence[Blob]) -> tuple[Ints, int]:
        """Find the ways that area relations with one of the keys have, from the last blob on.

        Gives their ids, sorted, and the number of the first blob that holds relations.
        """
        members = [_NO_IDS]
        first = len(blobs)
        while first:
            block = self._block(blobs[first - 1])
            if not block.has(RELATION):
                break
            first -= 1
            members.append(member_ways(relations_of(block, self._keys)))
        return np.unique(np.concatenate(members)), first

    def nodes(
        self, blobs: Iterable[Blob], places: NewPlaces, span: Span
    ) -> Iterator[tuple[Objects, Ints]]:
        """Yield the nodes with one of the keys and their places; ``places`` takes all nodes."""
        for blob in blobs:
            found = nodes_of(self._ordered(blob), self._keys)
            span.take(found.ids)
            places.add(found.ids, found.places)
            if len(found.rows):
                yield found.wanted, found.places[found.rows]

    def ways(
        self, blobs: Iterable[Blob], members: Ints, places: Places, aside: Aside, span: Span
    ) -> Iterator[Ways]:
        """Yield the ways with one of the keys; ``aside`` takes those that are ``members``."""
        for blob in blobs:
            block = self._ordered(blob)
            if not block.has(WAY):
                continue
            found = ways_of(block, self._keys, members)
            span.take(np.array(found.bounds))
            at = places.of(found.parts)
            aside.ways(*_members(found, at))
            wanted = _wanted(found, at)
            if wanted is not None:
                yield wanted

    def relations(self, blobs: Iterable[Blob], span: Span) -> Iterator[Parts]:
        """Yield the relations with one of the keys."""
        for blob in blobs:
            found = relations_of(self._ordered(blob), self._keys)
            span.take(np.array(found.bounds))
            yield found

    def _block(self, blob: Blob) -> Block:
        return take_apart(self._container.data(blob))

    def _ordered(self, blob: Blob) -> Block:
        """Give a block; refuse it if it is not sorted by type, or holds a type that it may not."""
        block = self._block(blob)
        ranks = [_RANK.get(int(kind), -1) for kind in np.unique(block.items[:, 0])]
        order = np.diff(np.array([0, 0, 0, 1, 2])[np.clip(block.items[:, 0], 0, 4)])
        if ranks and (min(ranks) < blob.least or max(ranks) > blob.most or (order < 0).any()):
            raise NotTakenError("it is not sorted by type, or holds objects of another type")
        return block


@contextmanager
def open_blocks(path: Path, keys: Collection[str]) -> Iterator[BlockFile]:
    """Open a file, to read the objects that have one of ``keys``.

    Within the context, a damaged file raises `InputError`, and one that libosmium must read
    `NotTakenError`.
    """
    with closing(Container(path)) as container:
        try:
            yield BlockFile(container, Keys.of(keys))
        except NotImplementedError as error:
            raise NotTakenError(f"it holds {error}") from error
        except ValueError as error:
            raise unreadable(path, error) from error


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
