"""CLIP vectors of images, computed as for scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.storage import Place
from skyscript.clip.vectors.decoding import Read
from skyscript.clip.vectors.embed import Images, image_vectors
from skyscript.clip.vectors.store import Store
from skyscript.clip.worker import WorkerClipConfig, worker_clip


def vectors_folder(config: WorkerClipConfig) -> str:
    """Return the folder of a model's vectors, relative to the job's."""
    return f"embeddings/{worker_clip(config)[1]}"


def embed_images(
    paths: Sequence[str], read: Read, config: WorkerClipConfig, root: Place, place: str
) -> Images:
    """Compute the images' vectors, or the reasons why images have none, and store the vectors.

    ``place`` is the folder of the store below `vectors_folder`. Each part has its own store, so
    that the time of a look-up does not grow with the number of parts.
    """
    clip, _ = worker_clip(config)
    folder = root / vectors_folder(config) / place
    return image_vectors(paths, read, clip, Store(folder, clip.width, np.float16))
