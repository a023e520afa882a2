"""A model as a folder that open_clip loads without flags: weights as safetensors, and a config.

``local-dir:FOLDER`` in open_clip and clip_benchmark; uploaded, it is ``hf-hub:OWNER/NAME``. The
config records the activation, which a checkpoint file does not.
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
    """Give the architecture of a model as open_clip's constructors take it, the activation in it.

    Raises `InputError` where open_clip is missing.
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
    """Write a model of open_clip's, and its config (`model_config`), into a folder.

    The config comes last, so that a folder with one is whole. Preprocessing and activation are the
    model's own, whatever the config says. A tokenizer of the hub's goes along; raises `InputError`
    where the config asks for one and none is given.
    """
    from safetensors.torch import save_file

    bare = getattr(model, "module", model)
    held = {"model_cfg": _settings(bare, config), "preprocess_cfg": _preprocess(bare)}
    if _has_own_tokenizer(config):
        if not hasattr(tokenizer, "save_pretrained"):
            raise InputError("this model's tokenizer is one of the hub's and must be exported too.")
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer.save_pretrained(folder)
    tensors = {
        # A copy each: safetensors refuses tied weights, which share memory.
        name: tensor.detach().cpu().clone().contiguous()
        for name, tensor in bare.state_dict().items()
    }

    def write(path: Path) -> None:
        save_file(tensors, path, {"format": "pt"})
        path.chmod(0o644)  # safetensors leaves it to its owner alone

    write_file(folder / WEIGHTS, write)
    write_json(folder / CONFIG, held)


def _preprocess(model: Any) -> dict[str, Any]:  # noqa: ANN401
    found = open_clip_library().get_model_preprocess_cfg(model)
    return {name: found[name] for name in _PREPROCESS if name in found}


def _settings(model: Any, config: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Give the architecture with the activation that the model has."""
    from open_clip.transformer import QuickGELU

    settings = copy.deepcopy(dict(config))
    settings["quick_gelu"] = any(isinstance(part, QuickGELU) for part in model.modules())
    return settings


def _has_own_tokenizer(config: Mapping[str, Any]) -> bool:
    """Tell whether open_clip looks for the tokenizer's files in the folder."""
    return not {"hf_tokenizer_name", "hf_model_name"}.isdisjoint(config["text_cfg"])
