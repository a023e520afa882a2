"""All that is asked of open_clip's training package: the one module that knows it.

open_clip 4 changes every signature here, so the version is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch

from pipeline.errors import InputError
from skyscript.clip.source import HUB, LOCAL, TINY, open_clip_library
from stages.train.config import TrainConfig


class Place(NamedTuple):
    """Where this process stands among the others."""

    device: str
    rank: int
    world: int


class Adam(NamedTuple):
    """Constants of Adam."""

    beta1: float
    beta2: float
    eps: float


def check_version() -> None:
    """Raise `InputError` where open_clip is not of the kind that this module knows."""
    version = open_clip_library().__version__
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < (3, 3) or major >= 4:
        raise InputError(
            f"open_clip {version}: training needs >= 3.3, < 4: pip install 'skyscript[train]'"
        )


def join(device: str | None) -> Place:
    """Join the other processes that torchrun or Slurm started, if any did."""
    from open_clip_train.distributed import init_distributed_device_so

    wanted = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"device {wanted}: this machine has no GPU that torch can use.")
    found = init_distributed_device_so(device=wanted)
    return Place(found["device"], found["global_rank"], found["world_size"])


def autocast(precision: str, device: str) -> Callable[[], AbstractContextManager[Any]]:
    """Give the context of a forward pass."""
    from open_clip_train.precision import get_autocast

    kind = device.partition(":")[0]
    found: Callable[[], AbstractContextManager[Any]] = get_autocast(precision, device_type=kind)
    return found


def adam(config: TrainConfig, settings: Mapping[str, Any]) -> Adam:
    """Give Adam's constants: those said, else the CLIP paper's for the kind of architecture.

    open_clip tells the kind by the model's name. A folder's name says nothing, so there it is told
    by the ``settings`` of the architecture.
    """
    from open_clip_train.params import get_default_params

    kind = config.model
    if kind == TINY or kind.startswith((LOCAL, HUB)):
        vision = settings["vision_cfg"]
        blocks = "ViT" if isinstance(vision.get("layers", 12), int) else "RN"
        kind = vision.get("timm_model_name") or blocks
    usual = get_default_params(kind)
    said = {"beta1": config.beta1, "beta2": config.beta2, "eps": config.eps}
    return Adam(**{name: usual[name] if value is None else value for name, value in said.items()})


def schedule(
    optimiser: torch.optim.Optimizer, config: TrainConfig, steps: int
) -> Callable[[int], float]:
    """Give what sets the learning rate of a step."""
    from open_clip_train import scheduler

    make = {"cosine": scheduler.cosine_lr, "const": scheduler.const_lr}[config.lr_scheduler]
    found: Callable[[int], float] = make(optimiser, config.lr, config.warmup, steps)
    return found
