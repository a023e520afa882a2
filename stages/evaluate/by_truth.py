"""Retrieval with relevance by truth: an image that shows what a text names is a right answer.

The queries and candidates are those of the published way. The partners of an image are its own
texts and all texts that name only what it certainly shows; those of a text are the images of these
pairs. A pair of which the truth is unknown is wrong in *truth*, and left out of the ranking in
*truth_judged*. What a text names is the concept of the object that its images are centred on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyscript.benchmarks import CaptionedImages
from skyscript.files.truth import Truth, read_truth
from stages.evaluate.retrieval import AT_ONCE, Relation, Vectors, View, rank

Mask = NDArray[np.bool_]
Flags = NDArray[np.float32]


class Relevance(NamedTuple):
    """What images show and lack, and what texts name, in columns of concepts."""

    shows: Flags
    lacks: Flags
    says: Flags

    @classmethod
    def of(cls, truth: Truth, images: int, texts: int) -> Relevance:
        """Make the columns from the table ``truth``, for images and texts numbered from 0."""
        width = len(truth.concepts)
        lists = ((truth.shows, images), (truth.lacks, images), (truth.says, texts))
        return cls(*(of.flags(np.arange(n), width).astype(np.float32) for of, n in lists))

    def right_pairs(self) -> Iterator[NDArray[np.int64]]:
        """Yield pairs of an image and a text that names only what it shows, n x 2."""
        named = self.says.sum(1)
        for rows in _parts(len(self.shows), len(self.says)):
            right = (self.shows[rows] @ self.says.T == named) & (named > 0)
            image, text = np.nonzero(right)
            yield np.stack([image + rows.start, text], 1)


class Unknown(NamedTuple):
    """Tells which pairs of queries and candidates are neither right nor wrong."""

    queries: Flags
    candidates: Flags
    """A pair is wrong if the two share a 1: the image lacks what the text names."""
    partners: Relation

    def mask(self, start: int, end: int) -> Mask:
        """Give the mask of the queries from ``start`` to ``end``."""
        found: Mask = self.queries[start:end] @ self.candidates.T == 0
        bounds = self.partners.start[start : end + 1]
        rows = np.repeat(np.arange(end - start), np.diff(bounds))
        found[rows, self.partners.partners[bounds[0] : bounds[-1]]] = False
        return found


def rank_by_truth(
    data: CaptionedImages, images: Vectors, texts: Vectors, path: Path
) -> tuple[dict[str, View], dict[str, float]]:
    """Rank in both ways, given the unit vectors. Returns the rankings, and shares of the pairs.

    Raises `InputError` if the table ``truth`` at the path knows none of the images.
    """
    paths = pa.array(data.paths, pa.string())
    truth = read_truth(path, paths, data.image_of, data.text_of)
    relevance = Relevance.of(truth, len(images), len(texts))
    pairs = [np.stack([data.image_of, data.text_of], 1), *relevance.right_pairs()]
    image, text = np.concatenate(pairs).T
    to_text = Relation.of(image, text, len(images))
    to_image = Relation.of(text, image, len(texts))
    own = Relation.of(data.text_of, data.image_of, len(texts))
    first = own.partners[own.start[:-1]]
    of_images = Unknown(relevance.lacks, relevance.says, to_text)
    of_texts = Unknown(relevance.says, relevance.lacks, to_image)
    ways = {
        "truth": View(rank(images, texts, to_text), rank(texts, images, to_image), first),
        "truth_judged": View(
            rank(images, texts, to_text, left_out=of_images.mask),
            rank(texts, images, to_image, left_out=of_texts.mask),
            first,
        ),
    }
    return ways, _shares(of_images, len(own.partners), len(images), len(texts))


def _shares(unknown: Unknown, own: int, images: int, texts: int) -> dict[str, float]:
    """Give the shares of all pairs that are right, wrong and unknown, and of the sets' own."""
    open_ones = sum(
        int(unknown.mask(rows.start, rows.stop).sum()) for rows in _parts(images, texts)
    )
    count, right = images * texts, len(unknown.partners.partners)
    found = {"right": right, "wrong": count - right - open_ones, "unknown": open_ones, "own": own}
    return {name: number / count for name, number in found.items()}


def _parts(images: int, texts: int) -> Iterator[slice]:
    step = max(1, AT_ONCE // max(1, texts))
    yield from (slice(at, min(at + step, images)) for at in range(0, images, step))
