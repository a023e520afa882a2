"""Scores image-caption pairs, from a run or from outside."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import SkyScriptError
from pipeline.schema import STATUS_OK
from pipeline.storage import Place
from skyscript import chance
from skyscript.clip.model import Clip, Vectors
from skyscript.clip.text import find_cut
from skyscript.clip.vectors.decoding import Read
from skyscript.clip.vectors.embed import Images, image_vectors, text_vectors
from skyscript.clip.vectors.store import open_store
from skyscript.clip.worker import worker_clip
from skyscript.files.phrases import make_caption, split_neighbours
from skyscript.images.decode import Unusable, decode_by_pillow
from stages.score.config import ScoreConfig

Titles = Sequence[str | None]


def score_pairs(
    paths: Sequence[str],
    titles: Titles,
    multi_titles: Titles,
    *,
    read: Read,
    root: Place,
    config: ScoreConfig,
) -> dict[str, pa.Array]:
    """Give all columns of a scores table except its key; one row for each pair, in order.

    Vectors are stored below ``root``. Raises `SkyScriptError` if the self-check fails.
    """
    if not paths:
        return _columns(config, "", paths, [], [], None, None) | _cut([], [], None)
    clip, digest = worker_clip(config)
    folder = root / "embeddings" / f"{config.name}-{digest}"
    images = image_vectors(paths, read, clip, open_store(folder / "images", clip.width, np.float16))
    singles, multis = (_usable(images, each) for each in (titles, multi_titles))
    of_image = [_phrases_of(caption) if config.phrases else [] for caption in multis]
    # All texts at once: the files of vectors then depend on the part only.
    texts = list(dict.fromkeys(text for text in chain(singles, multis, *of_image) if text))
    store = open_store(folder / "texts", clip.width, np.float32)
    vectors = dict(zip(texts, text_vectors(texts, clip, store), strict=True))
    cosines, multi_cosines = (_similarities(images, each, vectors) for each in (singles, multis))
    _check(paths, titles, cosines, read, clip, config)
    phrases = _phrase_similarities(images, of_image, vectors) if config.phrases else None
    columns = _columns(config, folder.name, paths, cosines, multi_cosines, phrases, images)
    return columns | _cut(titles, multi_titles, clip.tokenizer)


def _usable(images: Images, titles: Titles) -> list[str | None]:
    """Give the titles that are scored; None if the image or the title is missing."""
    return [
        title if wrong is None and title else None
        for wrong, title in zip(images.wrong, titles, strict=True)
    ]


def _similarities(
    images: Images, titles: Titles, vectors: Mapping[str, Vectors]
) -> list[float | None]:
    """Give each image's cosine with its title; None where there is no title."""
    rows = [row for row, title in enumerate(titles) if title]
    found: list[float | None] = [None] * len(titles)
    if rows:
        texts = np.stack([vectors[titles[row] or ""] for row in rows])
        cosines: NDArray[np.float32] = np.einsum("ij,ij->i", images.vectors[rows], texts)
        for row, cosine in zip(rows, cosines.tolist(), strict=True):
            found[row] = cosine
    return found


def _phrases_of(caption: str | None) -> list[str]:
    """Give the phrases of a caption's neighbours, each as a separate caption."""
    return (
        [make_caption(phrase, caption) for phrase in split_neighbours(caption)] if caption else []
    )


def _phrase_similarities(
    images: Images, of_image: Sequence[Sequence[str]], vectors: Mapping[str, Vectors]
) -> list[list[float] | None]:
    """Give each image's cosines with the phrases of its neighbours."""
    return [
        (np.stack([vectors[phrase] for phrase in phrases]) @ image).tolist() if phrases else None
        for phrases, image in zip(of_image, images.vectors, strict=True)
    ]


def _cut(titles: Titles, multi_titles: Titles, tokenizer: Any) -> dict[str, pa.Array]:  # noqa: ANN401
    """Tell for each caption whether it is longer than the context; null if there is none."""
    cut = find_cut({text for text in (*titles, *multi_titles) if text}, tokenizer) if titles else ()
    return {
        name: pa.array([text in cut if text else None for text in texts], pa.bool_())
        for name, texts in (("cut", titles), ("cut_multi_objects", multi_titles))
    }


def _check(
    paths: Sequence[str],
    titles: Titles,
    found: Sequence[float | None],
    read: Read,
    clip: Clip,
    config: ScoreConfig,
) -> None:
    """Score some pairs again with open_clip's transform; raise if the scores differ too much."""
    from PIL import Image

    scored = [row for row, value in enumerate(found) if value is not None]
    in_random_order = sorted(scored, key=lambda row: (chance.uniform(0, paths[row], "check"), row))
    for row in in_random_order[: config.check]:
        image = decode_by_pillow(read(paths[row]))
        reference = math.nan
        if not isinstance(image, Unusable):
            reference = clip.score_reference(Image.fromarray(image), titles[row] or "")
        if not abs(reference - (found[row] or 0.0)) <= config.tolerance:
            raise SkyScriptError(
                f"self-check: {paths[row]} and {titles[row]!r} score {found[row]:.5f}, but "
                f"{reference:.5f} in the standard way: the scores of this machine are unreliable. "
                "Please report it with the versions of torch, torchvision and open_clip."
            )


def _columns(
    config: ScoreConfig,
    vectors: str,
    paths: Sequence[str],
    singles: Sequence[float | None],
    multis: Sequence[float | None],
    phrases: Sequence[list[float] | None] | None,
    images: Images | None,
) -> dict[str, pa.Array]:
    wrong = images.wrong if images else []
    hashes = [
        None if key is None or bad else f"{bits:016x}"
        for key, bits, bad in zip(
            images.content_hash if images else [],
            images.likeness.tolist() if images else [],
            wrong,
            strict=True,
        )
    ]
    return {
        "filepath": pa.array(paths, pa.string()),
        "scorer": pa.array([config.name] * len(paths), pa.string()),
        "similarity": pa.array(singles, pa.float32()),
        "similarity_multi_objects": pa.array(multis, pa.float32()),
        "phrases": pa.array(phrases or [None] * len(paths), pa.list_(pa.float32())),
        "content_hash": pa.array(images.content_hash if images else [], pa.string()),
        "image_hash": pa.array(hashes, pa.string()),
        "status": pa.array([bad.status if bad else STATUS_OK for bad in wrong], pa.string()),
        "vectors": pa.array([vectors] * len(paths), pa.string()),
        "reason": pa.array([bad.reason if bad else None for bad in wrong], pa.string()),
    }
