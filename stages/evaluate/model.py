"""The model of an evaluation: which, loaded, and in words."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.errors import InputError
from skyscript.clip.model import Clip, Precision, load_clip
from skyscript.clip.source import HUB, LOCAL, TINY, ClipSource, find_clip
from skyscript.clip.vectors.store import Store
from stages.evaluate.config import PRECISION, EvaluateConfig


class Tower(NamedTuple):
    """A loaded model and how it is used."""

    clip: Clip
    precision: Precision
    config: EvaluateConfig
    kept: Path
    """Where features stay, so that another protocol or a run after a kill costs little."""
    images: Store
    texts: Store


def find_model(config: EvaluateConfig) -> ClipSource:
    """Find the model. A tag beside a folder would not be used, and the figures be of another."""
    given = config.pretrained
    if given is not None and config.model.startswith(HUB):
        raise InputError(
            f"pretrained {given!r}: {config.model} has weights of its own: leave it out."
        )
    own = config.model == TINY or config.model.startswith(LOCAL)
    if own and given is not None and not Path(given).expanduser().is_file():
        raise InputError(
            f"pretrained {given!r}: is no file, and {config.model} has weights of its own: leave "
            "it out, or name a checkpoint file."
        )
    return find_clip(config)


def load_tower(source: ClipSource, config: EvaluateConfig, out: Path) -> Tower:
    """Load the model; its features are kept under ``out``."""
    loaded = load_clip(source, config.device)
    clip = replace(loaded, image_batch=config.batch_size)
    precision = PRECISION[config.protocol]
    towers = f"cuda-{precision}" if clip.on_gpu else "cpu-fp32"
    kept = out / "embeddings" / f"{source.digest()}-{towers}"
    images, texts = (Store(kept / name, clip.width, np.float32) for name in ("images", "texts"))
    return Tower(clip, precision, config, kept, images, texts)


def head(source: ClipSource, tower: Tower) -> dict[str, Any]:
    """Say what was evaluated, and with what."""
    import open_clip
    import PIL
    import torch
    import torchvision

    libraries = (np, PIL, torch, torchvision, open_clip)
    return {
        "model": {"name": tower.config.name or model_name(tower.config), **source.identity()},
        "protocol": tower.config.protocol,
        "precision": precision_of(tower),
        "device": _device(tower.clip.device),
        "versions": {
            "python": platform.python_version(),
            **{library.__name__: library.__version__ for library in libraries},
        },
        "sets": {},
    }


def model_name(config: EvaluateConfig) -> str:
    """Give what a model is called where it was given no name."""
    own = config.model == TINY or config.model.startswith((LOCAL, HUB))
    model = Path(config.model.removeprefix(LOCAL).removeprefix(HUB)).name if own else config.model
    weights = Path(config.pretrained or "")
    if weights.is_file():
        return f"{model} {weights.parent.name}/{weights.name}"
    return model if own else f"{model} {config.pretrained}"


def precision_of(tower: Tower) -> str:
    """Say in which precision figures were made."""
    if tower.precision == "fp32":
        return "fp32"
    if tower.clip.device.startswith("cuda"):
        return "fp16 by CUDA's autocast, logits too; class vectors in fp32"
    return (
        "towers in fp32, features and logits rounded to fp16: CUDA's autocast, which the published "
        "figures were made with, does nothing on a CPU"
    )


def _device(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
