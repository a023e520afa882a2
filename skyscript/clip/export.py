"""Exports a model as a folder that open_clip loads without flags: safetensors and a config.

Its name is ``local-dir:FOLDER`` in open_clip and clip_benchmark, and ``hf-hub:OWNER/NAME`` after an
upload. The config records the activation; a checkpoint file does not.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.atomic import write_file, write_json
from pipeline.errors import InputError
from skyscript.clip.checkpoint.sizes import sizes_of
from skyscript.clip.source import CONFIG, open_clip_library

WEIGHTS = "open_clip_model.safetensors"
_PREPROCESS = ("mean", "std", "interpolation", "resize_mode")


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
    """Give the architecture with the actual activation and sizes of the model."""
    from open_clip.transformer import QuickGELU

    settings = copy.deepcopy(dict(config))
    sizes = sizes_of(Path("the model"), model.state_dict(), settings)
    if sizes.image_size is not None:
        settings["vision_cfg"]["image_size"] = sizes.image_size
    if sizes.context_length is not None:
        settings["text_cfg"]["context_length"] = sizes.context_length
    settings["quick_gelu"] = any(isinstance(part, QuickGELU) for part in model.modules())
    return settings


def _needs_tokenizer(config: Mapping[str, Any]) -> bool:
    """Tell whether open_clip reads the tokenizer's files from the folder."""
    return not {"hf_tokenizer_name", "hf_model_name"}.isdisjoint(config["text_cfg"])
