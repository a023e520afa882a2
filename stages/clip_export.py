"""A model as a folder that open_clip loads without flags: weights as safetensors, and a config.

The config records the activation, which a checkpoint file does not: what `local-dir:`, a hub or
clip_benchmark load from the folder computes the same as the model that was exported.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.atomic import write_bytes, write_file
from pipeline.errors import InputError

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"
_PREPROCESS = ("mean", "std", "interpolation", "resize_mode")


def export_model(model: Any, config: Mapping[str, Any], folder: Path) -> None:  # noqa: ANN401
    """Write a model of open_clip's to a folder: weights first, so that a config means a whole.

    ``config`` is its architecture as `open_clip.get_model_config` gives it; the activation is read
    off the model, whatever the config says. Raises `InputError` where the folder would not do.
    """
    from open_clip import get_model_preprocess_cfg
    from safetensors.torch import save_file

    bare = getattr(model, "module", model)
    settings = _settings(bare, config)
    preprocess = get_model_preprocess_cfg(bare)
    tensors = {
        # A copy each: safetensors refuses tensors that share memory.
        name: tensor.detach().cpu().clone().contiguous()
        for name, tensor in bare.state_dict().items()
    }
    write_file(folder / WEIGHTS, lambda path: save_file(tensors, path, {"format": "pt"}))
    held = {
        "model_cfg": settings,
        "preprocess_cfg": {name: preprocess[name] for name in _PREPROCESS if name in preprocess},
    }
    write_bytes(folder / CONFIG, (json.dumps(held, indent=1) + "\n").encode())


def _settings(model: Any, config: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Give the architecture with the activation that the model has."""
    from open_clip.transformer import QuickGELU

    settings = copy.deepcopy(dict(config))
    text = settings["text_cfg"]
    if "hf_model_name" in text or "hf_tokenizer_name" in text:
        raise InputError(
            "this model's tokenizer is one of the hub's, which a folder of ours does not carry; "
            "publish it with open_clip's push_to_hf_hub."
        )
    settings["quick_gelu"] = any(isinstance(part, QuickGELU) for part in model.modules())
    return settings
