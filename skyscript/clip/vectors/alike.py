"""Finds the images of a ranking whose CLIP vectors are nearly those of better images.

All pairs of millions of images would take days. So an image is compared with those that share one
of its `_NEAREST` pivots: images from the whole ranking, one for each `_GROUP`. Up to `_ALL` images
are all compared. (SemDeDup, Abbas et al. 2023, compares within clusters for the same reason.)

The result is the same on all machines and for all numbers of threads: vectors of length 1 become
vectors of integers of length `_LENGTH`, whose products and their sums are exact in float32.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_LENGTH = 4000
"""Its square is below 2^24, from which float32 has no longer all integers. It changes a cosine by
about 0.0001."""
_ALL = 16_384
_GROUP = 2048
_NEAREST = 2
_BLOCK = 2048
"""Images whose cosines are in memory: so many times as many."""

Rows = NDArray[np.int64]
Vectors = NDArray[np.float32]
Fetch = Callable[[Rows], Vectors]
"""Gives the vectors of some rows of the ranking, of any length above 0."""


class _Ranking(NamedTuple):
    fetch: Fetch
    groups: NDArray[np.int32]
    """(images, pivots): the numbers of the nearest pivots of each image."""
    least: float
    """The product from which two images are alike."""
    most: int
    better: NDArray[np.int64]
    """For each image, the number of better ones that are alike, as far as they were counted."""


def find_alike(count: int, fetch: Fetch, cosine: float, most: int) -> NDArray[np.bool_]:
    """Tell for each image whether ``most`` better images have a cosine of at least ``cosine``.

    The rows of the ranking are 0 to ``count`` - 1, the best first. Memory holds some blocks of
    vectors and about 40 bytes an image.
    """

    def integers(rows: Rows) -> Vectors:
        return _as_integers(fetch(rows))

    groups = _nearest_pivots(count, integers)
    least = np.ceil(cosine * _LENGTH**2)
    ranking = _Ranking(integers, groups, least, most, np.zeros(count, np.int64))
    for group, rows in _rows_by_group(groups):
        for start in range(0, len(rows), _BLOCK):
            _count_better(ranking, group, rows, slice(start, start + _BLOCK))
    return ranking.better >= most


def _as_integers(vectors: Vectors) -> Vectors:
    """Give vectors of integers of length `_LENGTH`."""
    wide = vectors.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
    return np.asarray(np.rint(wide * (_LENGTH / np.maximum(lengths, 1e-12))), np.float32)


def _nearest_pivots(count: int, fetch: Fetch) -> NDArray[np.int32]:
    """Give the pivots of each image, ascending; all have pivot 0 if there are few images."""
    if count <= _ALL:
        return np.zeros((count, 1), np.int32)
    pivots = fetch(np.linspace(0, count - 1, count // _GROUP).astype(np.int64))
    found = np.empty((count, _NEAREST), np.int32)
    for start in range(0, count, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, count))
        products = fetch(rows) @ pivots.T
        for number in range(_NEAREST):
            found[rows, number] = products.argmax(axis=1)  # of equal ones, the first
            products[np.arange(len(rows)), found[rows, number]] = -np.inf
    found.sort(axis=1)
    return found


def _rows_by_group(groups: NDArray[np.int32]) -> Iterator[tuple[int, Rows]]:
    """Yield each pivot with the rows that have it, ascending."""
    order = np.argsort(groups.ravel(), kind="stable")
    pivots = groups.ravel()[order]
    starts = np.flatnonzero(np.diff(pivots, prepend=-1))
    for start, stop in itertools.pairwise([*starts, len(order)]):
        yield int(pivots[start]), order[start:stop] // groups.shape[1]


def _count_better(ranking: _Ranking, group: int, rows: Rows, block: slice) -> None:
    """Count the better images of a group for those of one block of it.

    Images that have enough are not compared further, so many equal images cost little.
    """
    later = rows[block]
    later = later[ranking.better[later] < ranking.most]
    vectors = ranking.fetch(later)
    for start in range(0, block.stop, _BLOCK):
        earlier = rows[start : start + _BLOCK]
        if not len(later):
            return
        alike = vectors @ ranking.fetch(earlier).T >= ranking.least
        alike &= earlier < later[:, None]
        at, of = np.nonzero(alike)
        if ranking.most > 1:
            fresh = _is_first_shared(ranking.groups, group, later[at], earlier[of])
            at = at[fresh]
        ranking.better[later] += np.bincount(at, minlength=len(later))
        left = ranking.better[later] < ranking.most
        later, vectors = later[left], vectors[left]


def _is_first_shared(
    groups: NDArray[np.int32], group: int, ours: Rows, theirs: Rows
) -> NDArray[np.bool_]:
    """Tell which pairs share no pivot before this one, where they would be counted twice."""
    own, other = groups[ours][:, :, None], groups[theirs][:, None, :]
    found: NDArray[np.bool_] = ~((own == other) & (own < group)).any(axis=(1, 2))
    return found
