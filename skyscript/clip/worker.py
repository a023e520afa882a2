"""The CLIP of a worker process: the model and its number of threads."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import EXECUTION
from pipeline.worker_process import worker_number
from skyscript.clip.model import Clip, load_clip
from skyscript.clip.source import ClipConfig, find_clip, require_clip


class WorkerClipConfig(ClipConfig):
    """The CLIP to use, and how it runs in a worker process."""

    threads: int | None = Field(
        None,
        ge=1,
        description="Use this many CPU threads for one model. By default, it is one in a worker "
        "process, else all.",
        json_schema_extra=EXECUTION,
    )


def clip_identity(config: ClipConfig) -> dict[str, str]:
    """Give the ids of the weights and of the activation, which decide a vector."""
    require_clip()
    return dict(find_clip(config).identity())


def worker_clip(config: WorkerClipConfig) -> tuple[Clip, str]:
    """Load the model, once a process; give it and the digest that names its vectors.

    Raises `InputError` if the weights do not load, and `ConfigError` if it cannot be compiled.
    """
    import torch

    if config.threads or worker_number() is not None:
        torch.set_num_threads(config.threads or 1)
    source = find_clip(config)
    clip = load_clip(source, config.device)
    if config.compile:
        clip.compile()
    return clip, source.digest()
