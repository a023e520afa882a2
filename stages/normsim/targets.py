"""The vectors of the target images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from skyscript.clip.vectors.embed import image_vectors, read_below
from skyscript.clip.vectors.store import MemoryStore
from skyscript.clip.worker import worker_clip
from skyscript.images.files import list_images
from stages.normsim.config import NormSimConfig


def vectors_of(images: Path, config: NormSimConfig, scored_by: str) -> NDArray[np.float32]:
    """Give the vectors, of length 1, of the images below a folder that can be decoded.

    ``scored_by`` names the folder of the vectors to compare with, which ends in the digest of their
    model. Raises `InputError` if the model is another one, or if there is no image.
    """
    paths = list_images(images)
    if not paths:
        raise InputError(f"{images}: contains no image to compare with.")
    clip, digest = worker_clip(config)
    if not scored_by.endswith(f"-{digest}"):
        raise InputError(
            f"{config.model} is not the model that scored, whose vectors are in {scored_by}; name "
            "that model with --model and --pretrained."
        )
    found = image_vectors(paths, read_below(images), clip, MemoryStore())
    usable = [row for row, wrong in enumerate(found.wrong) if wrong is None]
    if not usable:
        raise InputError(f"{images}: none of the {len(paths):,} images can be decoded.")
    return np.asarray(found.vectors[usable], np.float32)
