"""Retrieval: the rank of a query's first partner, computed in three ways.

*Published*: the queries and candidates are distinct texts and distinct images. An image's partners
are its texts, and a text's partners are its images. *Identical text*: each pair is a query, and the
captions of all pairs are candidates, also copies. Every candidate with an identical text is a
partner. *Own pair*: the queries and candidates are the same, but only the query's own pair is a
partner, as in tables that do not merge equal captions.

Ties keep the original order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscript.benchmarks import CaptionedImages
from skyscript.ragged import counted
from stages.evaluate.intervals import Floats, Measured, interval, resample

Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]

AT = (1, 5, 10, 100)
OF_MEAN = (1, 5, 10)
"""The mean recall averages these."""
AT_ONCE = 1 << 24
"""Number of similarities in memory at once."""


class Relation(NamedTuple):
    """The partners of each query: ``partners[start[i]:start[i + 1]]``, ascending."""

    start: Ints
    partners: Ints

    @classmethod
    def of(cls, queries: Ints, partners: Ints, count: int) -> Relation:
        """Make a relation from pairs. A repeated pair counts once."""
        pairs = np.unique(np.stack([queries, partners], 1), axis=0)
        start = np.searchsorted(pairs[:, 0], np.arange(count + 1))
        return cls(start.astype(np.int64), pairs[:, 1].astype(np.int64))


class Ranking(NamedTuple):
    """The result of one direction, with an entry for each query."""

    place: Ints
    """The rank of the first partner, from 1. It is behind all candidates if there is no partner."""
    first: Ints
    """The candidate with rank 1."""


class View(NamedTuple):
    """The rankings of both directions, computed in one way."""

    image_to_text: Ranking
    text_to_image: Ranking
    image_of: Ints
    """The image of each query of ``text_to_image``; of several, the first."""

    def recalls(self) -> dict[str, Any]:
        """Compute the recalls of both directions, their mean, and the intervals of all."""
        both = {
            "image_to_text": _compute_recalls(self.image_to_text.place),
            "text_to_image": _compute_recalls(self.text_to_image.place),
        }
        mean = sum(direction["mean_recall"] for direction in both.values()) / 2
        return {**both, "mean_recall": mean, "intervals": self._intervals()}

    def _intervals(self) -> dict[str, Any]:
        """Compute the interval of each recall; a resample of images draws both directions."""
        count = len(self.image_to_text.place)
        draws = resample(
            [
                Measured.of(_hits(self.image_to_text.place), np.arange(count), count),
                Measured.of(_hits(self.text_to_image.place), self.image_of, count),
            ]
        )
        means = [drawn[:, [AT.index(k) for k in OF_MEAN]].mean(1) for drawn in draws]
        both = [_name_intervals(*each) for each in zip(draws, means, strict=True)]
        names = ("image_to_text", "text_to_image")
        return {**dict(zip(names, both, strict=True)), "mean_recall": interval(sum(means) / 2)}


def _hits(place: Ints) -> NDArray[np.bool_]:
    return place[:, None] <= np.array(AT)


def _name_intervals(draws: Floats, mean: Floats) -> dict[str, list[float]]:
    found = {f"R@{k}": interval(column) for k, column in zip(AT, draws.T, strict=True)}
    return {**found, "mean_recall": interval(mean)}


def _compute_recalls(place: Ints) -> dict[str, float]:
    shares = {k: int(np.count_nonzero(place <= k)) / len(place) for k in AT}
    mean = sum(shares[k] for k in OF_MEAN) / len(OF_MEAN)
    return {**{f"R@{k}": share for k, share in shares.items()}, "mean_recall": mean}


def rank_by_all_ways(data: CaptionedImages, images: Vectors, texts: Vectors) -> dict[str, View]:
    """Rank in all three ways, given the unit vectors of the distinct images and texts."""
    text_of, image_of = data.text_of, data.image_of
    pair = np.arange(len(text_of))
    of_image = Relation.of(image_of, text_of, len(images))
    of_text = Relation.of(text_of, image_of, len(texts))
    first_image = of_text.partners[of_text.start[:-1]]
    published = View(rank(images, texts, of_image), rank(texts, images, of_text), first_image)
    same_text = Ranking(*(column[text_of] for column in published.text_to_image))
    copies = _find_copies(of_image, Relation.of(text_of, pair, len(texts)))
    own_texts = Relation.of(image_of, pair, len(images))
    own_image = Relation(np.arange(len(pair) + 1), image_of)
    return {
        "published": published,
        "identical_text": View(rank(images, texts, copies, text_of), same_text, image_of),
        "own_pair": View(
            rank(images, texts, own_texts, text_of),
            rank(texts[text_of], images, own_image),
            image_of,
        ),
    }


def _find_copies(of_image: Relation, pairs_of_text: Relation) -> Relation:
    """Return, for each image, all pairs (also of other images) that have one of its texts."""
    image = np.repeat(np.arange(len(of_image.start) - 1), np.diff(of_image.start))
    counts = np.diff(pairs_of_text.start)[of_image.partners]
    starts = pairs_of_text.start[of_image.partners]
    pairs = pairs_of_text.partners[np.repeat(starts, counts) + counted(counts)]
    return Relation.of(np.repeat(image, counts), pairs, len(of_image.start) - 1)


def rank(
    queries: Vectors,
    candidates: Vectors,
    truth: Relation,
    columns: Ints | None = None,
    left_out: Callable[[int, int], NDArray[np.bool_]] | None = None,
) -> Ranking:
    """Rank all candidates for each query.

    ``left_out`` gives, for a range of the queries, which candidates are not ranked. With
    ``columns``, the candidates are these rows of ``candidates``. A row may be repeated.
    """
    count = len(candidates) if columns is None else len(columns)
    step = max(1, AT_ONCE // count)
    place, first = (np.empty(len(queries), np.int64) for _ in range(2))
    for start in range(0, len(queries), step):
        end = min(start + step, len(queries))
        scores = queries[start:end] @ candidates.T
        if columns is not None:
            scores = scores[:, columns]
        if left_out is not None:
            scores[left_out(start, end)] = -np.inf
        place[start:end] = _rank_first_partner(scores, truth, start)
        first[start:end] = scores.argmax(1)
    return Ranking(place, first)


def _rank_first_partner(scores: Vectors, truth: Relation, start: int) -> Ints:
    """Return the rank of the first partner of each query, from query ``start`` on."""
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
