"""The concepts of a shard, as matrices."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from skyscript.ragged import counted
from stages.statements.groups import Bools, Ints
from tag_vocab import Concept


@dataclass(frozen=True)
class Concepts:
    """The concepts of a shard, numbered; and those of each distinct list that a thing shows."""

    all: tuple[Concept, ...]
    lead: Ints
    """By list: the concept that names a thing."""
    shows: Bools
    """By list and concept: whether a thing is one of the concept, or of a kind of it."""
    attributes: Bools
    """By list and concept: whether a thing has the attribute, such as a surface."""
    is_a: Bools
    """By two concepts: whether the first is the second, or a kind of it."""

    @functools.cached_property
    def is_kind(self) -> Bools:
        """Tell of two concepts whether the first is a kind of the second, and not the same."""
        return np.asarray(self.is_a & ~np.eye(len(self.all), dtype=bool))

    @functools.cached_property
    def most_specific(self) -> Bools:
        """Tell by list and concept whether a thing is of the concept, and of no kind of it."""
        lists, shown = np.nonzero(self.shows)
        row, general = columns_of(self.is_kind, shown)
        found = self.shows.copy()
        found[lists[row], general] = False
        return found

    def differ(self, one: Ints, other: Ints) -> Bools:
        """Tell whether concepts are different kinds of things, neither a kind of the other."""
        return np.asarray(~(self.is_a[one, other] | self.is_a[other, one]))

    def those(self, test: functools._lru_cache_wrapper[bool]) -> Bools:
        """Give by concept what a test says of it."""
        return np.fromiter(map(test, self.all), bool, len(self.all))


def columns_of(matrix: Bools, rows: Ints) -> tuple[Ints, Ints]:
    """Give for each of some rows of a small matrix the columns that are true.

    Given are the index in ``rows``, ascending, and the column: ascending for each row.
    """
    of, columns = np.nonzero(matrix)
    starts = np.searchsorted(of, np.arange(len(matrix) + 1))
    sizes = np.diff(starts)[rows]
    column = columns[np.repeat(starts[rows], sizes) + counted(sizes)]
    return np.repeat(np.arange(len(rows)), sizes), column
