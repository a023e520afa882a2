"""Loads the model that training starts from, with its tokenizer and settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.errors import InputError
from skyscript.clip.long_text import lengthen_context
from skyscript.clip.source import (
    ClipConfig,
    ClipSource,
    find_clip,
    model_config,
    name_with_weights,
    open_clip_library,
)
from skyscript.clip.weights import create_model, create_tokenizer, own_context_length
from stages.train.config import TrainConfig
from stages.train.locking import lock_towers

SIGLIP_SCALE = math.log(10)
SIGLIP_BIAS = -10.0
"""Initial values in SigLIP's paper."""


class InitialModel(NamedTuple):
    """The model that training starts from, on its device."""

    model: Any
    tokenizer: Any
    preprocess: Mapping[str, Any]
    settings: Mapping[str, Any]
    """The architecture, in the format of an exported config."""
    identity: Mapping[str, str]


def find_source(config: TrainConfig) -> ClipSource:
    """Find the model that the options name. Its weights decide the activation.

    Raises `InputError` if there is no such model, or if `quick_gelu` contradicts the weights.
    """
    if config.pretrained is None and name_with_weights(config.model) is None:
        architecture = open_clip_library().get_model_config(config.model)
        if architecture is None:
            raise InputError(
                f"model {config.model!r}: open_clip has no such architecture; see "
                "open_clip.list_models(), or give a folder as local-dir:FOLDER."
            )
        quick = config.quick_gelu == "on" or bool(architecture.get("quick_gelu", False))
        return ClipSource(config.model, None, quick, f"random {config.seed}")
    return find_clip(
        ClipConfig(
            model=config.model,
            pretrained=config.pretrained,
            quick_gelu=config.quick_gelu,
            device=config.device,
            compile=config.compile,
        )
    )


def load_initial_model(config: TrainConfig, device: str) -> InitialModel:
    """Load the model, and lock what the options name.

    Raises `InputError` if its weights do not load, and `ConfigError` if it cannot be locked so.
    """
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
            f"model {config.model!r}: training supports only CLIPs, not {type(model).__name__}."
        )
    if config.context_length is not None:
        lengthen_context(model, config.context_length, config.model)
    lock_towers(model, config)
    if config.grad_checkpointing:
        model.set_grad_checkpointing()
    return InitialModel(
        model,
        create_tokenizer(source, own_context_length(model, source)),
        open_clip.get_model_preprocess_cfg(model),
        {**model_config(source), **more},
        source.identity(),
    )
