"""Finds pairs of images whose CLIP vectors are alike. This proves no copy, but finds candidates."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from skyscript.clip.vectors.embed import Images, image_vectors
from skyscript.clip.vectors.store import SUFFIX, Store, open_store
from skyscript.clip.worker import worker_clip
from skyscript.files.image_tars import ImageFile
from stages.leakage.config import LeakageConfig
from stages.leakage.matches import MOST, Match
from stages.leakage.pictures import Picture

_BLOCK = 65_536
"""Vectors of benchmarks that are compared at once."""


class VectorIndex:
    """The vectors of some images, computed once and stored below ``out/embeddings``.

    Those of a run that was scored by the same model are read from the run.
    """

    def __init__(
        self, pictures: Sequence[Picture], config: LeakageConfig, run: Path, out: Path
    ) -> None:
        self._clip, digest = worker_clip(config)
        self._similarity = config.similarity
        folder = out / "embeddings" / f"leakage-{digest}" / "images"
        self._own = open_store(folder, self._clip.width, np.float16)
        scored = sorted(run.glob(f"embeddings/*-{digest}/images"))
        usable = [path for path in scored if any(path.glob(f"*{SUFFIX}"))]
        self._of_run = Store.open_existing(usable[0]) if usable else self._own
        found = self._look(pictures, self._own)
        seen = [number for number, wrong in enumerate(found.wrong) if wrong is None]
        self._pictures = [pictures[number] for number in seen]
        self._vectors = found.vectors[seen].astype(np.float16)
        if not seen:
            raise InputError(f"none of the {len(pictures):,} images of benchmarks can be decoded.")

    def _look(self, pictures: Sequence[Picture], store: Store) -> Images:
        files = {str(picture.file): picture.file for picture in pictures}
        return image_vectors(list(files), functools.partial(_read, files), self._clip, store)

    def matches(self, ours: Sequence[Picture]) -> Iterator[Match]:
        """Yield the pairs of similar vectors, the most similar of each image first."""
        found = self._look(ours, self._of_run)
        for row, numbers, cosines in self._nearest(found.vectors):
            for number, cosine in zip(numbers, cosines, strict=True):
                yield Match.of(ours[row], self._pictures[number], "vector", 1.0 - cosine, None)

    def _nearest(
        self, vectors: NDArray[np.float32]
    ) -> Iterator[tuple[int, list[int], list[float]]]:
        """Yield the row, the nearest images and their cosines for each vector that has any."""
        rows, numbers, cosines = [], [], []
        for start in range(0, len(self._vectors), _BLOCK):
            block = self._vectors[start : start + _BLOCK].astype(np.float32)
            alike = vectors @ block.T
            row, number = np.nonzero(alike >= self._similarity)
            rows.append(row)
            numbers.append(number + start)
            cosines.append(alike[row, number])
        row, number = np.concatenate(rows), np.concatenate(numbers)
        cosine = np.concatenate(cosines)
        for one in np.unique(row).tolist():
            own = np.flatnonzero(row == one)
            own = own[np.lexsort((number[own], -cosine[own]))][:MOST]
            yield one, number[own].tolist(), cosine[own].tolist()


def _read(files: dict[str, ImageFile], path: str) -> bytes:
    return files[path].read_bytes()
