"""Exports a model as a folder that open_clip loads without flags: safetensors and a config.

Its name is ``local-dir:FOLDER`` in open_clip and clip_benchmark, and ``hf-hub:OWNER/NAME`` after an
upload. The config records the activation; a checkpoint file does not.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.atomic import write_file, write_json
from pipeline.errors import InputError
from skyscript.clip.source import HUB, LOCAL, ClipSource, open_clip_library

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"
_PREPROCESS = ("mean", "std", "interpolation", "resize_mode")


def model_config(source: ClipSource) -> dict[str, Any]:
    """Give the architecture of a model, with the activation, for open_clip's constructors.

    Raises `InputError` if open_clip is missing.
    """
    open_clip = open_clip_library()
    if source.model.startswith(LOCAL):
        path = Path(source.model.removeprefix(LOCAL)) / CONFIG
        found = json.loads(path.read_text("utf-8"))["model_cfg"]
    elif source.model.startswith(HUB):
        from open_clip.factory import _get_hf_config

        found = _get_hf_config(source.model.removeprefix(HUB))["model_cfg"]
    else:
        found = open_clip.get_model_config(source.model)
    return {**found, "quick_gelu": source.quick_gelu or bool(found.get("quick_gelu", False))}


def export_model(
    model: Any,  # noqa: ANN401
    config: Mapping[str, Any],
    folder: Path,
    tokenizer: Any = None,  # noqa: ANN401
) -> None:
    """Write an open_clip model and its config (`model_config`) to a folder.

    The config is written last, so a folder with a config is complete. Preprocessing and activation
    are those of the model, not of the config. A tokenizer from the hub is exported too. Raises
    `InputError` if the config needs a tokenizer and ``tokenizer`` is not one of the hub.
    """
    from safetensors.torch import save_file

    bare = getattr(model, "module", model)
    content = {"model_cfg": _settings(bare, config), "preprocess_cfg": _preprocess(bare)}
    if _needs_tokenizer(config):
        if not hasattr(tokenizer, "save_pretrained"):
            raise InputError("this model's tokenizer comes from the hub and must be exported too.")
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer.save_pretrained(folder)
    tensors = {
        # Copies, because safetensors rejects tied weights, which share memory.
        name: tensor.detach().cpu().clone().contiguous()
        for name, tensor in bare.state_dict().items()
    }

    def write(path: Path) -> None:
        save_file(tensors, path, {"format": "pt"})
        path.chmod(0o644)  # safetensors lets only the owner read it

    write_file(folder / WEIGHTS, write)
    write_json(folder / CONFIG, content)


def _preprocess(model: Any) -> dict[str, Any]:  # noqa: ANN401
    found = open_clip_library().get_model_preprocess_cfg(model)
    return {name: found[name] for name in _PREPROCESS if name in found}


def _settings(model: Any, config: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Give the architecture with the actual activation of the model."""
    from open_clip.transformer import QuickGELU

    settings = copy.deepcopy(dict(config))
    settings["quick_gelu"] = any(isinstance(part, QuickGELU) for part in model.modules())
    return settings


def _needs_tokenizer(config: Mapping[str, Any]) -> bool:
    """Tell whether open_clip reads the tokenizer's files from the folder."""
    return not {"hf_tokenizer_name", "hf_model_name"}.isdisjoint(config["text_cfg"])
