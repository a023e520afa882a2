"""Finds, loads and describes the model of an evaluation."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.errors import InputError
from skyscript.clip.model import Clip, Precision, load_clip
from skyscript.clip.source import HUB, ClipSource, find_clip, name_with_weights
from skyscript.clip.vectors.store import Store
from stages.evaluate.config import PRECISION, EvaluateConfig


class Tower(NamedTuple):
    """A loaded model, with the precision and the stores of an evaluation."""

    clip: Clip
    precision: Precision
    config: EvaluateConfig
    features: Path
    """Folder of the stored features."""
    images: Store
    texts: Store


def find_model(config: EvaluateConfig) -> ClipSource:
    """Find the model.

    Raises `InputError` if the model contains its own weights, and `pretrained` is a tag, which
    would have no effect.
    """
    given = config.pretrained
    if given is not None and config.model.startswith(HUB):
        raise InputError(
            f"pretrained {given!r}: {config.model} contains its own weights: omit this option."
        )
    has_weights = name_with_weights(config.model) is not None
    if has_weights and given is not None and not Path(given).expanduser().is_file():
        raise InputError(
            f"pretrained {given!r}: is not a file, and {config.model} contains its own weights: "
            "omit this option, or give a checkpoint file."
        )
    return find_clip(config)


def load_tower(source: ClipSource, config: EvaluateConfig, out: Path) -> Tower:
    """Load the model, and open the stores of its features in ``out``."""
    loaded = load_clip(source, config.device)
    clip = replace(loaded, image_batch=config.batch_size)
    if config.compile:
        clip.compile()
    precision = PRECISION[config.protocol]
    towers = f"cuda-{precision}" if clip.on_gpu else "cpu-fp32"
    folder = out / "embeddings" / f"{source.digest()}-{towers}"
    images, texts = (Store(folder / name, clip.width, np.float32) for name in ("images", "texts"))
    return Tower(clip, precision, config, folder, images, texts)


def describe_run(source: ClipSource, tower: Tower) -> dict[str, Any]:
    """Return the first part of `results.json`: the model, the protocol and the versions."""
    import open_clip
    import PIL
    import torch
    import torchvision

    libraries = (np, PIL, torch, torchvision, open_clip)
    return {
        "model": {"name": tower.config.name or _name_model(tower.config), **source.identity()},
        "protocol": tower.config.protocol,
        "precision": describe_precision(tower),
        "device": _name_device(tower.clip.device),
        "versions": {
            "python": platform.python_version(),
            **{library.__name__: library.__version__ for library in libraries},
        },
        "sets": {},
    }


def _name_model(config: EvaluateConfig) -> str:
    """Return the default name of a model."""
    name, weights = name_with_weights(config.model), Path(config.pretrained or "")
    if weights.is_file():
        return f"{name or config.model} {weights.parent.name}/{weights.name}"
    return name or f"{config.model} {config.pretrained}"


def describe_figures(tower: Tower) -> dict[str, str]:
    """Return what each set of `results.json` says of the making of its figures."""
    return {"protocol": tower.config.protocol, "precision": describe_precision(tower)}


def describe_precision(tower: Tower) -> str:
    """Describe the precision of the figures."""
    if tower.precision == "fp32":
        return "fp32"
    if tower.clip.device.startswith("cuda"):
        return "fp16 by CUDA's autocast, logits too; class vectors in fp32"
    return (
        "towers in fp32, features and logits rounded to fp16: CUDA's autocast, which the published "
        "figures were made with, does nothing on a CPU"
    )


def _name_device(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
