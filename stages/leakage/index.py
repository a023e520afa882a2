"""An index of the images of benchmarks: finds the few that an image may be a copy of.

Its memory is about 12 KB an image: the words of its features. The features themselves are on disk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscript.images.decode import Unusable
from skyscript.ragged import counted
from stages.leakage.features import MOST, TABLES, Features, Sketch, mirrored, words_of
from stages.leakage.pictures import Picture

_LOW = np.uint64(32)
_NUMBER = np.uint64(0xFFFFFFFF)
"""The bits of an entry that are the image's number; the word is above them."""
_FREQUENT = 64
"""A word of more images than this tells nothing and is left out."""
_FEWEST_VOTES = 3
"""Features of an image that must share a word with a candidate."""
_MOST_ALIKE = 40
"""Candidates by features, and as many of the mirror image: in calm water and sand, the features of
many images have the same words, and the right one is far behind. Each takes a millisecond."""
_MOST_NEAR = 12
"""Candidates by their hashes."""
_NEAR_HASH = 10
"""How many of the 64 bits of a hash may differ in a candidate."""


class Candidate(NamedTuple):
    """An image of the index that another image may be a copy of."""

    number: int
    is_mirrored: bool
    symmetry: int | None
    """The symmetry under which the global hashes are near; None if features were found alike."""


class Index:
    """The sketches of some images."""

    def __init__(
        self, pictures: Sequence[Picture], sketches: Iterable[Sketch | Unusable], folder: Path
    ) -> None:
        """Take the sketches in; their features go to a file in a scratch folder."""
        self.pictures = pictures
        self.by_content: dict[str, list[int]] = defaultdict(list)
        self.by_pixels: dict[str, list[int]] = defaultdict(list)
        self.unusable: list[tuple[Picture, str]] = []
        self._hashes = np.zeros(len(pictures), np.uint64)
        self._has_hash = np.zeros(len(pictures), bool)
        self._ends = np.zeros(len(pictures) + 1, np.int64)
        words: list[NDArray[np.uint32]] = []
        with (folder / "features").open("wb") as file:
            for number, one in enumerate(sketches):
                self._ends[number + 1] = self._ends[number]
                if isinstance(one, Unusable):
                    self.unusable.append((pictures[number], one.reason))
                    continue
                self.by_content[one.content].append(number)
                self.by_pixels[one.pixels].append(number)
                self._hashes[number], self._has_hash[number] = one.hashes[0], True
                self._ends[number + 1] += len(one.features.places)
                file.write(_rows(one.features).tobytes())
                words.append(np.unique(words_of(one.features)))
        self._file = folder / "features"
        self._sort(words)

    def _sort(self, words: list[NDArray[np.uint32]]) -> None:
        """Keep the words in ascending order, each with the number of its image in its low bits."""
        self._entries = np.empty(sum(map(len, words)), np.uint64)
        done = 0
        for number, own in zip(np.flatnonzero(self._has_hash).tolist(), words, strict=True):
            self._entries[done : done + len(own)] = (own.astype(np.uint64) << _LOW) | np.uint64(
                number
            )
            done += len(own)
        self._entries.sort()

    def features(self, number: int) -> Features:
        """Read the features of an image."""
        start, end = self._ends[number : number + 2].tolist()
        rows = np.fromfile(self._file, _ROW, end - start, offset=start * _ROW.itemsize)
        return Features(rows["place"], rows["vector"])

    def candidates(self, one: Sketch) -> list[Candidate]:
        """Give the images that an image may be a copy of, the likeliest first."""
        width = one.grey.shape[1]
        found = [
            (votes, Candidate(number, is_mirrored, None))
            for is_mirrored in (False, True)
            for number, votes in self._vote(
                mirrored(one.features, width) if is_mirrored else one.features
            )
        ]
        found.sort(key=lambda pair: (-pair[0], pair[1][:2]))
        alike = [candidate for _, candidate in found]
        return alike + self._near_hashes(one.hashes)

    def _vote(self, features: Features) -> list[tuple[int, float]]:
        """Give the images that share words with enough features, and how much they share.

        A word of few images weighs more: one desert has many words of all the others.
        """
        words = words_of(features).reshape(-1)
        lowest = words.astype(np.uint64) << _LOW
        start = np.searchsorted(self._entries, lowest)
        count = np.searchsorted(self._entries, lowest + _NUMBER + np.uint64(1)) - start
        count[count > _FREQUENT] = 0
        entries = self._entries[np.repeat(start, count) + counted(count)]
        numbers = (entries & _NUMBER).astype(np.int64)
        feature = np.repeat(np.arange(len(words)) // TABLES, count)
        images, place = np.unique(numbers, return_inverse=True)
        distinct = np.unique(place * MOST + feature) // MOST
        votes = np.bincount(distinct, minlength=len(images))
        weight = np.bincount(place, 1 / np.repeat(np.maximum(count, 1), count), len(images))
        enough = np.flatnonzero(votes >= _FEWEST_VOTES)
        best = enough[np.argsort(-weight[enough], kind="stable")[:_MOST_ALIKE]]
        return list(zip(images[best].tolist(), weight[best].tolist(), strict=True))

    def _near_hashes(self, hashes: Sequence[int]) -> list[Candidate]:
        """Give the images whose hash is nearest to that of a symmetry of an image."""
        own = np.array(hashes, np.uint64)[:, None]
        far = np.bitwise_count(own ^ self._hashes)
        symmetry = far.argmin(axis=0)
        nearest = far.min(axis=0).astype(np.int64) + 64 * ~self._has_hash
        close = np.flatnonzero(nearest <= _NEAR_HASH)
        best = close[np.argsort(nearest[close], kind="stable")[:_MOST_NEAR]]
        return [Candidate(int(at), False, int(symmetry[at])) for at in best]


_ROW = np.dtype([("place", np.float32, 2), ("vector", np.uint8, 128)])


def _rows(features: Features) -> NDArray[np.void]:
    rows = np.empty(len(features.places), _ROW)
    rows["place"], rows["vector"] = features
    return rows
