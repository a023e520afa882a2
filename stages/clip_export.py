"""A model as safetensors with open_clip's config beside it: every loader takes it without flags.

``local-dir:FOLDER`` in open_clip and clip_benchmark; the folder uploaded is ``hf-hub:OWNER/NAME``.
The config says the activation, so that nobody has to know it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.atomic import write_bytes, write_file
from stages.clip_source import HUB, LOCAL, ClipSource, open_clip_library

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"
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


def export_model(model: Any, config: Mapping[str, Any], folder: Path) -> None:  # noqa: ANN401
    """Write a model and its config (`model_config`) into a folder, each file whole or not at all.

    The preprocessing is the model's own, as open_clip set it when it made the model.
    """
    from safetensors.torch import save_file

    # Tied weights are one tensor in memory, which safetensors refuses: each name gets its own.
    weights = {
        name: value.detach().cpu().clone().contiguous()
        for name, value in model.state_dict().items()
    }
    preprocess = open_clip_library().get_model_preprocess_cfg(model)
    kept = {key: preprocess[key] for key in _PREPROCESS if key in preprocess}
    settings = {"model_cfg": dict(config), "preprocess_cfg": kept}

    def write(path: Path) -> None:
        save_file(weights, path, {"format": "pt"})
        path.chmod(0o644)  # safetensors leaves it to its owner alone

    write_file(folder / WEIGHTS, write)
    write_bytes(folder / CONFIG, json.dumps(settings, indent=1).encode() + b"\n")
