"""CLIP vectors of images, made as for scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skyscript.clip.vectors.decoding import Read
from skyscript.clip.vectors.embed import Images, image_vectors
from skyscript.clip.vectors.store import Store
from skyscript.clip.worker import WorkerClipConfig, worker_clip


def vectors_of(
    paths: Sequence[str], read: Read, config: WorkerClipConfig, root: Path, place: str
) -> Images:
    """Give the images' vectors, or what is wrong with each; they are kept in ``place``.

    A part keeps its own, so that looking one up costs the same however many parts there are.
    """
    clip, digest = worker_clip(config)
    folder = root / "embeddings" / digest / place
    return image_vectors(paths, read, clip, Store(folder, clip.width, np.float16))
