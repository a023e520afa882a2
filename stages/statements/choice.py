"""Draws some of the claims on each image, by a hash of the seed, the image and the claim."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skyscript import chance
from skyscript.ragged import counted_in
from stages.statements.claims import Claims, Kind
from stages.statements.scenes import Scenes


class Chosen(NamedTuple):
    """The chosen claims of a kind."""

    kind: Kind
    claims: Claims
    """Those of an image together, in the order of the images."""
    draws: chance.Hashes
    """A number that the seed, the image and the claim decide."""


class Choice:
    """Chooses claims that hold, each text once."""

    def __init__(self, scenes: Scenes, seed: int, per_kind: int) -> None:
        self._scenes, self._per_kind, self._seed = scenes, per_kind, seed
        self._images = chance.hashes(seed, scenes.images, "statements")
        names = [one.name for one in scenes.concepts.all]
        self._names = np.append(chance.hashes(seed, names, "concept"), np.uint64(0))
        self._things = chance.hashes(seed, scenes.objects, "object")[scenes.object]

    def of(self, kind: Kind) -> Chosen:
        """Give the chosen claims of a kind, those of an image in the order of their draws."""
        claims = kind.make(self._scenes)
        draws = self._draw(kind, claims)
        order = np.lexsort((draws, claims.value, claims.other, claims.one, claims.image))
        says = np.column_stack([claims.image, claims.one, claims.other, claims.value])[order]
        distinct = order[np.append([True], (says[1:] != says[:-1]).any(axis=1))[: len(order)]]
        drawn = distinct[np.lexsort((draws[distinct], claims.image[distinct]))]
        image = claims.image[drawn]
        rank = counted_in(image)
        kept = drawn[rank < self._per_kind]
        chosen = Chosen(kind, claims.take(kept), draws[kept])
        self._check(chosen)
        return chosen

    def _draw(self, kind: Kind, claims: Claims) -> chance.Hashes:
        """Give a number of each claim; of its things, the last one counts."""
        (of_kind,) = chance.hashes(self._seed, [kind.name], "kind")
        some = claims.sizes > 0
        last = np.zeros(len(some), np.uint64)
        last[some] = self._things[claims.things[np.cumsum(claims.sizes)[some] - 1]]
        return chance.combine(
            self._images[claims.image],
            np.full(len(some), of_kind),
            self._names[claims.one],
            self._names[claims.other],
            claims.value.astype(np.uint64),
            last,
        )

    def _check(self, chosen: Chosen) -> None:
        wrong = np.flatnonzero(~chosen.kind.holds(chosen.claims, self._scenes))
        for row in wrong[:1]:
            image = self._scenes.images[chosen.claims.image[row]]
            raise AssertionError(f"{image}: a claim of the kind {chosen.kind.name} does not hold")
