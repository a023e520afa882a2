"""Cuts a sorted PBF file into ranges of blobs that can be read one apart from the other."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from skyscript.osm.blocks.block import RELATION, WAY
from skyscript.osm.blocks.container import Blob
from skyscript.osm.blocks.protobuf import Ints
from skyscript.osm.blocks.reader import BlockFile

NODES, WAYS, RELATIONS = range(3)
_NO_END = np.iinfo(np.int64).max


class Ranges(NamedTuple):
    """The blobs of a shard. A blob that holds two types is in the ranges of both."""

    nodes: Sequence[Blob]
    ways: Sequence[Blob]
    relations: Sequence[Blob]
    members: Ints
    """The ids of the ways that are members of area relations, sorted."""


def cut(file: BlockFile, count: int) -> Iterator[Ranges]:
    """Yield the ranges of ``count`` shards, in the order of the file; some may be empty.

    The relations and a few other blocks are decoded. A file that is not sorted gives ranges in
    which reading finds that it is not.
    """
    blobs = file.blobs()
    members, relations_from = file.members(blobs)
    ways_from = bisect.bisect_left(
        range(relations_from), True, key=lambda number: file.holds(blobs[number], WAY, RELATION)
    )
    marked = [
        blob._replace(
            least=(number > ways_from) + (number > relations_from),
            most=(number >= ways_from) + (number >= relations_from),
        )
        for number, blob in enumerate(blobs)
    ]
    nodes = _pieces(marked[: ways_from + 1], count)
    ways = _pieces(marked[ways_from : relations_from + 1], count)
    relations = _pieces(marked[relations_from:], count)
    firsts = _first_ways(file, ways)
    ends = [*firsts[1:], _NO_END]
    for number, (first, end) in enumerate(zip(firsts, ends, strict=True)):
        own = members[np.searchsorted(members, first) : np.searchsorted(members, end)]
        yield Ranges(nodes[number], ways[number], relations[number], own)


def _pieces(blobs: Sequence[Blob], count: int) -> list[Sequence[Blob]]:
    """Cut blobs into ranges of nearly equal numbers."""
    ends = [len(blobs) * number // count for number in range(count + 1)]
    return [blobs[ends[number] : ends[number + 1]] for number in range(count)]


def _first_ways(file: BlockFile, ranges: Sequence[Sequence[Blob]]) -> list[int]:
    """Give the first way of each range; that of the next one, if it has none."""
    found = []
    end = int(_NO_END)
    for blobs in reversed(ranges):
        first = file.first_way(blobs)
        end = end if first is None else first
        found.append(end)
    return found[::-1]
