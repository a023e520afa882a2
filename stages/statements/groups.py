"""Things of images in groups: those of an image that show a concept."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skyscript.ragged import counted

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Groups:
    """Things by image and concept."""

    keys: Ints
    image: Ints
    things: Ints
    sizes: Ints

    @functools.cached_property
    def of(self) -> Ints:
        """Give by thing the number of its group."""
        return np.repeat(np.arange(len(self.keys)), self.sizes)

    def members(self, group: int | np.integer) -> Ints:
        """Give the things of a group."""
        end = int(self._ends[group])
        return self.things[end - int(self.sizes[group]) : end]

    @functools.cached_property
    def _ends(self) -> Ints:
        return np.cumsum(self.sizes)

    def none(self, things: Bools) -> Bools:
        """Tell of each group whether none of its things is so."""
        return np.asarray(np.bincount(self.of, things[self.things], len(self.keys)) == 0)

    def total(self, of: Floats) -> Floats:
        """Give of each group the sum over its things."""
        return np.asarray(np.bincount(self.of, of[self.things], len(self.keys)))


def pairs_within(groups: Groups, one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """Give the pairs that are both in a group, and these groups, by their numbers."""
    order = np.argsort(groups.things, kind="stable")
    things, of = groups.things[order], groups.of[order]
    first = np.searchsorted(things, one, "left")
    sizes = np.searchsorted(things, one, "right") - first
    pair = np.repeat(np.arange(len(one)), sizes)
    group = of[np.repeat(first, sizes) + counted(sizes)]
    most = int(groups.things.max(initial=0)) + 1
    both = np.isin(group * most + other[pair], groups.of * most + groups.things)
    return pair[both], group[both]


def distinct(pairs: Ints) -> Ints:
    """Give the distinct rows of an array n x 2 of numbers from 0 on, in ascending order."""
    most = int(pairs[:, 1].max(initial=0)) + 1
    return np.column_stack(np.divmod(np.unique(pairs[:, 0] * most + pairs[:, 1]), most))
