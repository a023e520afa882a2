"""All calls to open_clip's training package are in this module.

open_clip 4 changes every signature used here, so `check_version` checks the version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch

from pipeline.errors import InputError
from skyscript.clip.devices import require_device
from skyscript.clip.source import name_with_weights, open_clip_library
from stages.train.config import TrainConfig


class Place(NamedTuple):
    """The device of this process, its rank, and the number of processes."""

    device: str
    rank: int
    world: int


class Adam(NamedTuple):
    """The constants of Adam."""

    beta1: float
    beta2: float
    eps: float


def check_version() -> None:
    """Check the version of open_clip. Raises `InputError` if this module does not support it."""
    version = open_clip_library().__version__
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < (3, 3) or major >= 4:
        raise InputError(
            f"open_clip {version}: training needs >= 3.3, < 4: pip install 'skyscript[train]'"
        )


def join(device: str | None) -> Place:
    """Give the place of this process: its device, its rank and the number of processes.

    Joins the other processes if torchrun or Slurm started several. Raises `InputError` if this
    machine does not have the device.
    """
    from open_clip_train.distributed import init_distributed_device_so

    wanted = device or ("cuda" if torch.cuda.is_available() else "cpu")
    require_device(wanted)
    found = init_distributed_device_so(device=wanted)
    return Place(found["device"], found["global_rank"], found["world_size"])


def make_autocast(precision: str, device: str) -> Callable[[], AbstractContextManager[Any]]:
    """Return a function that makes the autocast context of a forward pass."""
    from open_clip_train.precision import get_autocast

    kind = device.partition(":")[0]
    found: Callable[[], AbstractContextManager[Any]] = get_autocast(precision, device_type=kind)
    return found


def find_adam_constants(config: TrainConfig, settings: Mapping[str, Any]) -> Adam:
    """Return Adam's constants: those of the options, else those of the CLIP paper.

    The paper's constants depend on the architecture (ViT or ResNet). open_clip finds it in the
    model's name. The name of a folder does not contain it, so for a folder the ``settings`` decide.
    """
    from open_clip_train.params import get_default_params

    kind = config.model
    if name_with_weights(kind) is not None:
        vision = settings["vision_cfg"]
        blocks = "ViT" if isinstance(vision.get("layers", 12), int) else "RN"
        kind = vision.get("timm_model_name") or blocks
    options = {"beta1": config.beta1, "beta2": config.beta2, "eps": config.eps}
    usual = get_default_params(kind)
    return Adam(**{name: usual[name] if v is None else v for name, v in options.items()})


def make_schedule(
    optimiser: torch.optim.Optimizer, config: TrainConfig, steps: int
) -> Callable[[int], float]:
    """Return a function that sets and returns the learning rate of a step."""
    from open_clip_train import scheduler

    make = {"cosine": scheduler.cosine_lr, "const": scheduler.const_lr}[config.lr_scheduler]
    found: Callable[[int], float] = make(optimiser, config.lr, config.warmup, steps)
    return found
