"""Images to CLIP vectors, as scoring makes them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from pipeline.stage import EXECUTION
from skyscript.clip.model import load_clip
from skyscript.clip.source import ClipConfig, find_clip, need_clip
from skyscript.clip.vectors.decoding import Read
from skyscript.clip.vectors.embed import Images, image_vectors
from skyscript.clip.vectors.store import Store


class VectorsConfig(ClipConfig):
    """Which CLIP, and how it runs."""

    threads: int | None = Field(
        None,
        ge=1,
        description="Use this many CPU threads for one model. By default, it is one in a worker "
        "process, else all.",
        json_schema_extra=EXECUTION,
    )


def external(config: VectorsConfig) -> Mapping[str, str]:
    """Name what decides a vector beside the image: the weights, and the activation."""
    need_clip()
    return dict(find_clip(config).identity())


def vectors_of(
    paths: Sequence[str], read: Read, config: VectorsConfig, root: Path, place: str
) -> Images:
    """Give the images' vectors, or what is wrong with each; they are kept in ``place``.

    A part keeps its own, so that looking one up costs the same however many parts there are.
    """
    import torch

    if config.threads or multiprocessing.parent_process() is not None:
        torch.set_num_threads(config.threads or 1)
    source = find_clip(config)
    clip = load_clip(source, config.device)
    folder = root / "embeddings" / source.digest() / place
    return image_vectors(paths, read, clip, Store(folder, clip.width, np.float16))
