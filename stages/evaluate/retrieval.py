"""Retrieval: how early a query finds one of its partners, counted in three ways.

*Published*: distinct texts and distinct images; a partner is any image that has the text.
*Identical text*: a query a pair, and every caption a candidate, copies too; whatever has an
identical text is a partner. *Own pair*: the same queries and candidates, but only a query's own
partner counts, as in tables that do not merge equal captions.

Of equal similarities the first in order stands first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscript.benchmarks import CaptionedImages

Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]

AT = (1, 5, 10, 100)
OF_MEAN = (1, 5, 10)
"""The mean recall is over these."""
_AT_ONCE = 1 << 24
"""Similarities in memory."""


class Relation(NamedTuple):
    """The partners of each query: ``partners[start[i]:start[i + 1]]``, ascending."""

    start: Ints
    partners: Ints

    @classmethod
    def of(cls, queries: Ints, partners: Ints, count: int) -> Relation:
        """Make it of pairs; a pair that comes twice counts once."""
        pairs = np.unique(np.stack([queries, partners], 1), axis=0)
        start = np.searchsorted(pairs[:, 0], np.arange(count + 1))
        return cls(start.astype(np.int64), pairs[:, 1].astype(np.int64))


class Found(NamedTuple):
    """What a direction gave, an entry a query."""

    place: Ints
    """Where the first partner stands; beyond all where there is none."""
    first: Ints
    """The candidate that stands first."""


class View(NamedTuple):
    """Both directions of a way to count."""

    image_to_text: Found
    text_to_image: Found

    def recalls(self) -> dict[str, dict[str, float] | float]:
        """Give the recalls of both directions, and their mean."""
        both = {
            "image_to_text": _recalls(self.image_to_text.place),
            "text_to_image": _recalls(self.text_to_image.place),
        }
        mean = sum(direction["mean_recall"] for direction in both.values()) / 2
        return {**both, "mean_recall": mean}


def _recalls(place: Ints) -> dict[str, float]:
    shares = {k: int(np.count_nonzero(place <= k)) / len(place) for k in AT}
    mean = sum(shares[k] for k in OF_MEAN) / len(OF_MEAN)
    return {**{f"R@{k}": share for k, share in shares.items()}, "mean_recall": mean}


def views(data: CaptionedImages, images: Vectors, texts: Vectors) -> dict[str, View]:
    """Give all ways to count, of unit vectors of the distinct images and texts."""
    text_of, image_of = data.text_of, data.image_of
    pair = np.arange(len(text_of))
    of_image = Relation.of(image_of, text_of, len(images))
    of_text = Relation.of(text_of, image_of, len(texts))
    published = View(find(images, texts, of_image), find(texts, images, of_text))
    alike = Found(*(column[text_of] for column in published.text_to_image))
    copies = _copies(of_image, Relation.of(text_of, pair, len(texts)))
    own_texts = Relation.of(image_of, pair, len(images))
    own_image = Relation(np.arange(len(pair) + 1), image_of)
    return {
        "published": published,
        "identical_text": View(find(images, texts, copies, text_of), alike),
        "own_pair": View(
            find(images, texts, own_texts, text_of), find(texts[text_of], images, own_image)
        ),
    }


def _copies(of_image: Relation, pairs_of_text: Relation) -> Relation:
    """Give each image the pairs, its own or another's, whose text is one of its texts."""
    image = np.repeat(np.arange(len(of_image.start) - 1), np.diff(of_image.start))
    counts = np.diff(pairs_of_text.start)[of_image.partners]
    starts = pairs_of_text.start[of_image.partners]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    pairs = pairs_of_text.partners[np.repeat(starts, counts) + within]
    return Relation.of(np.repeat(image, counts), pairs, len(of_image.start) - 1)


def find(
    queries: Vectors, candidates: Vectors, truth: Relation, columns: Ints | None = None
) -> Found:
    """Rank all candidates for each query, some queries at a time.

    With ``columns`` the candidates are those rows of ``candidates``, so one may stand many times.
    """
    count = len(candidates) if columns is None else len(columns)
    step = max(1, _AT_ONCE // count)
    place, first = (np.empty(len(queries), np.int64) for _ in range(2))
    for start in range(0, len(queries), step):
        end = min(start + step, len(queries))
        scores = queries[start:end] @ candidates.T
        if columns is not None:
            scores = scores[:, columns]
        place[start:end] = _places(scores, truth, start)
        first[start:end] = scores.argmax(1)
    return Found(place, first)


def _places(scores: Vectors, truth: Relation, start: int) -> Ints:
    """Give where the first partner of each of some queries stands."""
    bounds = truth.start[start : start + len(scores) + 1]
    partners = truth.partners[bounds[0] : bounds[-1]]
    counts = np.diff(bounds)
    row = np.repeat(np.arange(len(scores)), counts)
    own = scores[row, partners]
    best = np.full(len(scores), -np.inf, np.float32)
    np.maximum.at(best, row, own)
    at = np.full(len(scores), scores.shape[1], np.int64)
    np.minimum.at(at, row[own == best[row]], partners[own == best[row]])
    above = (scores > best[:, None]).sum(1)
    level = ((scores == best[:, None]) & (np.arange(scores.shape[1]) < at[:, None])).sum(1)
    found: Ints = np.where(counts > 0, above + level + 1, scores.shape[1] + 1)
    return found
