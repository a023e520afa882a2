"""The model that training begins from, and what belongs to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.errors import InputError
from skyscript.clip.export import model_config
from skyscript.clip.source import (
    HUB,
    LOCAL,
    TINY,
    ClipConfig,
    ClipSource,
    find_clip,
    open_clip_library,
)
from skyscript.clip.weights import create_model
from stages.train.config import TrainConfig

SIGLIP_SCALE = math.log(10)
SIGLIP_BIAS = -10.0
"""Where SigLIP's paper begins."""


class Beginning(NamedTuple):
    """A model, on its device."""

    model: Any
    tokenizer: Any
    preprocess: Mapping[str, Any]
    settings: Mapping[str, Any]
    """The architecture, as an exported config has it."""
    identity: Mapping[str, str]


def find_source(config: TrainConfig) -> ClipSource:
    """Find out which model the options mean; its activation follows from its weights.

    Raises `InputError` where there is none, or the activation said is not that of the weights.
    """
    has_weights = config.model == TINY or config.model.startswith((LOCAL, HUB))
    if config.pretrained is None and not has_weights:
        architecture = open_clip_library().get_model_config(config.model)
        if architecture is None:
            raise InputError(
                f"model {config.model!r}: open_clip has no such architecture; see "
                "open_clip.list_models(), or name a folder as local-dir:FOLDER."
            )
        quick = config.quick_gelu == "on" or bool(architecture.get("quick_gelu", False))
        return ClipSource(config.model, None, quick, f"random {config.seed}")
    return find_clip(
        ClipConfig(
            model=config.model,
            pretrained=config.pretrained,
            quick_gelu=config.quick_gelu,
            device=config.device,
        )
    )


def begin(config: TrainConfig, device: str) -> Beginning:
    """Make the model. Raises `InputError` where its weights do not load."""
    import torch

    open_clip = open_clip_library()
    source = find_source(config)
    sigmoid = {"init_logit_scale": SIGLIP_SCALE, "init_logit_bias": SIGLIP_BIAS}
    more = sigmoid if config.loss == "siglip" else {}
    torch.manual_seed(config.seed)
    model = create_model(
        source,
        device,
        require_pretrained=not source.weights.startswith("random"),
        output_dict=True,
        **more,
    )
    if not isinstance(model, open_clip.CLIP | open_clip.CustomTextCLIP):
        raise InputError(
            f"model {config.model!r}: only CLIPs are trained, not {type(model).__name__}."
        )
    if config.grad_checkpointing:
        model.set_grad_checkpointing()
    return Beginning(
        model,
        open_clip.get_tokenizer(source.model),
        open_clip.get_model_preprocess_cfg(model),
        {**model_config(source), **more},
        source.identity(),
    )
