"""The vectors of the images and texts of a set, with notes about unusable ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscript.benchmarks.features import Source, image_features, text_features
from skyscript.benchmarks.files import unusable_notes
from skyscript.clip.text import describe_cut, find_cut
from skyscript.clip.vectors.embed import Progress
from skyscript.files.image_tars import ImageFile
from stages.evaluate.model import Tower


class EmbeddedImages(NamedTuple):
    """The usable images of a set."""

    rows: NDArray[np.int64]
    """Their places among all images."""
    vectors: NDArray[np.float32]
    """Unit vectors, one row for each usable image."""
    notes: list[str]
    """Notes about the images that are not usable."""


def embed_images(
    files: Sequence[ImageFile] | Sequence[str],
    tower: Tower,
    progress: Progress,
    source: Source | None = None,
) -> EmbeddedImages:
    """Give the vectors of images. Raises `InputError` if none can be used."""
    parts = list(
        image_features(
            files, tower.clip, tower.precision, threads=tower.config.workers,
            store=tower.images, progress=progress, source=source,
        )
    )  # fmt: skip
    reasons = [reason for part in parts for reason in part.wrong]
    wrong = [(row, reason) for row, reason in enumerate(reasons) if reason is not None]
    rows = np.flatnonzero([reason is None for reason in reasons])
    notes = unusable_notes(wrong, files)
    vectors = np.concatenate([part.vectors.cpu().numpy() for part in parts])
    return EmbeddedImages(rows, vectors[rows], notes)


def embed_texts(texts: list[str], tower: Tower, progress: Progress) -> NDArray[np.float32]:
    """Give the unit vectors of texts, one row for each."""
    found = text_features(texts, tower.clip, tower.precision, tower.texts, progress)
    vectors: NDArray[np.float32] = found.cpu().numpy()
    return vectors


def note_cut(texts: list[str], tower: Tower, what: str) -> list[str]:
    """Give a sentence if texts are longer than the model's context."""
    cut = find_cut(texts, tower.clip.tokenizer)
    return [describe_cut(len(cut), len(texts), what)] if cut else []
