"""Draws some of the claims on each image, by a hash of the seed, the image and the claim."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skyscript import chance
from skyscript.ragged import counted_in
from stages.statements.claims import Claims, Kind
from stages.statements.scenes import Ints, Scenes

_BITS = np.uint64(40)
"""How many bits a draw has in a key; the bits above them hold the number of the image."""


class Chosen(NamedTuple):
    """The chosen claims of a kind."""

    kind: Kind
    claims: Claims
    """The claims in the order of the images; those of one image stand together."""
    draws: chance.Hashes
    """A number that the seed, the image and the claim decide."""


class Choice:
    """Chooses claims that hold, each text once."""

    def __init__(self, scenes: Scenes, seed: int, per_kind: int) -> None:
        self._scenes, self._per_kind, self._seed = scenes, per_kind, seed
        self._images = chance.hashes(seed, scenes.images, "statements")
        names = [one.name for one in scenes.concepts.all]
        self._names = np.append(chance.hashes(seed, names, "concept"), np.uint64(0))
        self._things = chance.object_hashes(seed, scenes.objects, "object")[scenes.object]

    def of(self, kind: Kind) -> Chosen:
        """Give the chosen claims of a kind, ordered by image, then by draw."""
        claims = kind.make(self._scenes)
        draws = self._draw(kind, claims)
        order = _order(claims.image, draws)
        chosen = self._choose(Chosen(kind, claims.take(order), draws[order]))
        self._check(chosen)
        return chosen

    def _choose(self, drawn: Chosen) -> Chosen:
        """Choose the first claims of each image that are true and have a text of their own."""
        kind, claims, draws = drawn
        values, left, kept = claims.value.copy(), np.arange(len(draws)), np.zeros(0, np.int64)
        rank, tried = counted_in(claims.image), self._per_kind
        while len(left):
            these, left = left[rank[left] < tried], left[rank[left] >= tried]
            if kind.measure is not None:
                values[these], true = kind.measure(claims.take(these), self._scenes)
                these = these[true]
            kept = self._first(claims._replace(value=values), np.sort(np.append(kept, these)))
            counts = np.bincount(claims.image[kept], minlength=len(self._scenes.images))
            left = left[counts[claims.image[left]] < self._per_kind]
            tried *= 2
        return Chosen(kind, claims._replace(value=values).take(kept), draws[kept])

    def _first(self, claims: Claims, rows: Ints) -> Ints:
        """Give the first rows of each image, of rows of one text only the first."""
        image, one, other, value = (column[rows] for column in claims[:4])
        text = chance.combine(*(each.astype(np.uint64) for each in (image, one, other, value)))
        _, first = np.unique(text, return_index=True)
        rows = rows[np.sort(first)]
        return rows[counted_in(claims.image[rows]) < self._per_kind]

    def _draw(self, kind: Kind, claims: Claims) -> chance.Hashes:
        """Give a number of each claim; of its things, the first and the last one count."""
        (of_kind,) = chance.hashes(self._seed, [kind.name], "kind")
        first, last = np.zeros((2, len(claims.sizes)), np.uint64)
        some = np.flatnonzero(claims.sizes)
        ends = np.cumsum(claims.sizes)[some]
        first[some] = self._things[claims.things[ends - claims.sizes[some]]]
        last[some] = self._things[claims.things[ends - 1]]
        images = chance.combine(self._images, np.full(len(self._images), of_kind))
        return chance.combine(
            images[claims.image],
            self._names[claims.one],
            self._names[claims.other],
            claims.value.astype(np.uint64),
            first,
            last,
        )

    def _check(self, chosen: Chosen) -> None:
        wrong = np.flatnonzero(~chosen.kind.holds(chosen.claims, self._scenes))
        for row in wrong[:1]:
            image = self._scenes.images[chosen.claims.image[row]]
            raise AssertionError(f"{image}: a claim of the kind {chosen.kind.name} does not hold")


def _order(image: Ints, draws: chance.Hashes) -> Ints:
    """Give the order by image, then by draw, then as they stand."""
    key = image.astype(np.uint64) << _BITS | draws >> (np.uint64(64) - _BITS)
    order = np.argsort(key)  # much sooner done than by two columns
    in_order = key[order]
    if (in_order[1:] > in_order[:-1]).all():
        return order
    return np.lexsort((draws, image))
