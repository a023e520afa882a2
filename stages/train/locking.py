"""Locks a tower, or all but its last groups of layers, so that training leaves it as it is.

LiT (Zhai et al., CVPR 2022): a locked image tower keeps what it learnt, and only the texts are fit
to it. Which parameters are locked is decided by open_clip's own functions. Its groups are, from the
end of a vision transformer: the projection, the last block with the norm after it, each other
block, and the embeddings. The projections on towers of timm and Hugging Face stay trainable.

Locked layers compute as in evaluation: batch norms keep their statistics, nothing is dropped.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

from torch import nn

from pipeline.errors import ConfigError
from skyscript.clip.checkpoint.reading import first_line
from stages.train.tower_config import TowerConfig


def lock_towers(model: Any, config: TowerConfig) -> None:  # noqa: ANN401 - of open_clip's
    """Lock the towers that the options name.

    Raises `ConfigError` if a tower cannot be locked in part, or has no more groups to lock.
    """
    if config.lock_image:
        _lock(
            lambda: model.lock_image_tower(config.lock_image_unlocked_groups),
            list(model.visual.parameters()),
            "lock_image_unlocked_groups",
        )
    if config.lock_text:
        _lock(
            lambda: model.lock_text_tower(config.lock_text_unlocked_layers),
            _text_parameters(model),
            "lock_text_unlocked_layers",
        )


def _lock(lock: Callable[[], None], tower: list[nn.Parameter], key: str) -> None:
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # open_clip prints
            lock()
    except (AssertionError, AttributeError, ImportError, KeyError, RuntimeError) as error:
        raise ConfigError(
            f"{key}: open_clip cannot lock this tower in part ({first_line(error)}): give 0, or "
            "another model."
        ) from error
    if all(value.requires_grad for value in tower):
        raise ConfigError(f"{key}: the tower has no more groups, so nothing is locked: give less.")


def _text_parameters(model: Any) -> list[nn.Parameter]:  # noqa: ANN401
    """Give the parameters of the text tower, which open_clip's CLIP holds itself."""
    if hasattr(model, "text"):
        return list(model.text.parameters())
    own = {"logit_scale", "logit_bias"}
    return [
        value
        for name, value in model.named_parameters()
        if not name.startswith("visual.") and name not in own
    ]


def start_training_mode(module: nn.Module) -> None:
    """Set a module to training mode, and its locked parts to evaluation mode."""
    module.train()
    _hold_locked(module)


def _hold_locked(module: nn.Module) -> None:
    values = list(module.parameters())
    if values and not any(value.requires_grad for value in values):
        module.eval()
        return
    for part in module.children():
        _hold_locked(part)
