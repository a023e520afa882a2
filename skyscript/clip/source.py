"""Finds the CLIP that a config names, without loading it. Its digest names the stored vectors.

Quick-GELU is the activation of OpenAI's weights and of all models trained from them. With the wrong
activation, open_clip 3 only warns, and the scores are wrong. Here the activation follows from the
weights, or the user must specify it.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, StringConstraints

from pipeline.atomic import content_id
from pipeline.errors import InputError
from pipeline.identity import identify
from pipeline.stage import EXECUTION, StageConfig
from skyscript.clip.checkpoint.torchscript import has_quick_gelu, is_torchscript

TINY = "tiny"
"""The name of the shipped model, which was trained on simulated tiles only."""
TINY_FOLDER = Path(__file__).parents[2] / "data" / "tiny_clip"
CONFIG = "open_clip_config.json"
LOCAL = "local-dir:"
HUB = "hf-hub:"
_NEEDED = ("torch", "torchvision", "open_clip")
_INSTALL_HINT = "scoring needs torch and open_clip: pip install 'skyscript[clip]'"

Device = Annotated[str, StringConstraints(pattern=r"^(cpu|cuda(:\d+)?|mps)$")]
"""The device of a config; `skyscript.clip.devices.require_device` looks whether it exists."""
QuickGelu = Literal["auto", "on", "off"]
"""Whether a model has OpenAI's activation."""


class ClipConfig(StageConfig):
    """The CLIP to use and its device. Only the weights decide a score: see `ClipSource`."""

    model: str = Field(
        "ViT-L-14",
        description="Use this model: an architecture of open_clip, `local-dir:FOLDER`, "
        "`hf-hub:OWNER/NAME`, or `tiny`. `tiny` ships with the project and knows only simulated "
        "tiles.",
        json_schema_extra=EXECUTION,
    )
    pretrained: str | None = Field(
        "openai",
        description="Load these weights: a tag that open_clip knows, or a checkpoint file. A "
        "model folder contains its own weights: there, a file replaces them and a tag has no "
        "effect.",
        json_schema_extra=EXECUTION,
    )
    quick_gelu: QuickGelu = Field(
        "auto",
        description="Use the activation of OpenAI's weights and of all models that were trained "
        "from them. A name in `pretrained` implies it; a checkpoint file does not.",
        json_schema_extra=EXECUTION,
    )
    device: Device | None = Field(
        None,
        description="Run on this device: cpu, cuda, cuda:1 … By default, a GPU is used if there "
        "is one.",
        json_schema_extra=EXECUTION,
    )
    compile: bool = Field(
        False,
        description="Compile the blocks of the towers with torch.compile, which takes "
        "time at the start of each process. Vectors differ by rounding. No GPU has run this yet.",
        json_schema_extra=EXECUTION,
    )


def name_with_weights(model: str) -> str | None:
    """Give the name of a model that contains its own weights; None for an architecture alone."""
    if model != TINY and not model.startswith((LOCAL, HUB)):
        return None
    return Path(model.removeprefix(LOCAL).removeprefix(HUB)).name


class ClipSource(NamedTuple):
    """The arguments of open_clip for a model; all of them decide a score."""

    model: str
    pretrained: str | None
    quick_gelu: bool
    weights: str
    """The content id of the files, or the tag."""
    file: Path | None = None
    """The checkpoint file; None for a tag and for a model of the hub."""

    def identity(self) -> Mapping[str, str]:
        """Give the entries for the run's manifest; a path is not part of them."""
        local = self.model.startswith(LOCAL)
        return {
            "architecture": "local" if local else self.model,
            "weights": self.weights,
            "quick_gelu": "on" if self.quick_gelu else "off",
        }

    def digest(self) -> str:
        """Give a short id of the model, for the folder of its vectors."""
        return content_id(json.dumps(self.identity(), sort_keys=True).encode())[:12]


def find_clip(config: ClipConfig) -> ClipSource:
    """Find the model that a config names, and its activation, without loading the model.

    Raises `InputError` if the model or file does not exist, or if its activation is unknown.
    """
    model = f"{LOCAL}{TINY_FOLDER}" if config.model == TINY else config.model
    if model.startswith(LOCAL):
        return _find_in_folder(Path(model.removeprefix(LOCAL)).expanduser(), config)
    if model.startswith(HUB):
        if _checkpoint_file(config):
            raise InputError(
                f"pretrained {config.pretrained!r}: a model of the hub has its own weights; give "
                "the checkpoint's architecture, or a folder as local-dir:FOLDER."
            )
        return ClipSource(model, None, config.quick_gelu == "on", model)
    open_clip = open_clip_library()
    architecture = open_clip.get_model_config(model)
    if architecture is None:
        raise InputError(
            f"model {model!r}: open_clip {open_clip.__version__} has no such architecture; see "
            "open_clip.list_models(), or give a folder as local-dir:FOLDER."
        )
    quick = bool(architecture.get("quick_gelu", False))
    if config.pretrained is None:
        raise InputError(f"model {model!r}: `pretrained` must be a tag or a checkpoint file.")
    if (tag := open_clip.get_pretrained_cfg(model, config.pretrained)) and tag:
        needed = bool(tag.get("quick_gelu", False))
        if config.quick_gelu != "auto" and (config.quick_gelu == "on") != needed:
            raise InputError(
                f"quick_gelu: {config.quick_gelu}: the weights {config.pretrained!r} of {model} "
                f"were trained with it {'on' if needed else 'off'}; remove the option."
            )
        return ClipSource(model, config.pretrained, needed, f"tag {config.pretrained}")
    path = Path(config.pretrained).expanduser()
    if not path.is_file():
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(model))
        raise InputError(
            f"pretrained {config.pretrained!r}: is neither a file nor a tag of {model} ({tags})."
        )
    quick = _needs_quick_gelu(model, path, quick, config)
    return ClipSource(model, str(path), quick, identify(path), path)


def _needs_quick_gelu(model: str, path: Path, quick: bool, config: ClipConfig) -> bool:
    """Tell whether a checkpoint needs quick-GELU; only the program of TorchScript records it."""
    if quick or config.quick_gelu != "auto":
        return quick or config.quick_gelu == "on"
    if is_torchscript(path):
        return has_quick_gelu(path)
    if f"{model}-quickgelu" in open_clip_library().list_models():
        raise InputError(
            f"pretrained {config.pretrained!r}: a file does not record its activation. If it was "
            f"trained from OpenAI's weights (as SkyCLIP's ViT-L-14 was), give {model}-quickgelu as "
            "the model, else set quick_gelu to off."
        )
    return False


def _find_in_folder(folder: Path, config: ClipConfig) -> ClipSource:
    path = folder / CONFIG
    if not path.is_file() and (folder / "config.json").is_file():
        raise InputError(
            f"{folder}: is a model folder of Hugging Face's transformers, which does not name an "
            "architecture of open_clip. Give that as the model, for example ViT-B-32-quickgelu, "
            "and the file of the weights in the folder as pretrained."
        )
    weights = sorted([*folder.glob("open_clip_*model.*"), *folder.glob("model.*")])
    if not path.is_file() or not weights:
        raise InputError(
            f"{folder}: is not the folder of a model, which contains open_clip_config.json "
            "and open_clip_model.safetensors."
        )
    try:
        settings = json.loads(path.read_text("utf-8"))["model_cfg"]
        quick = bool(settings.get("quick_gelu", False)) or config.quick_gelu == "on"
    except (ValueError, LookupError, TypeError, AttributeError):
        raise InputError(f"{path}: does not describe an open_clip model.") from None
    checkpoint = _checkpoint_file(config)
    if checkpoint is not None:
        weights = [checkpoint]
    ids = content_id(path.read_bytes()) + "".join(identify(file) for file in weights)
    pretrained = None if checkpoint is None else str(checkpoint)
    file = checkpoint or _weights_in(folder)
    return ClipSource(f"{LOCAL}{folder}", pretrained, quick, content_id(ids.encode()), file)


def _weights_in(folder: Path) -> Path:
    """Give the file of the weights that open_clip takes from a folder; it knows no ``.pt``."""
    from open_clip.factory import _find_checkpoint_in_dir

    found = _find_checkpoint_in_dir(folder)
    return Path(found) if found else min(folder.glob("*model.*"))


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


def _checkpoint_file(config: ClipConfig) -> Path | None:
    """Give the checkpoint file that replaces a model's own weights; None for a tag.

    Raises `InputError` if ``pretrained`` is neither, because the user may mean another model.
    """
    if config.pretrained is None:
        return None
    path = Path(config.pretrained).expanduser()
    if path.is_file():
        return path
    if config.pretrained not in {tag for _, tag in open_clip_library().list_pretrained()}:
        raise InputError(f"pretrained {config.pretrained!r}: is neither a file nor a tag.")
    return None


def clip_installed() -> bool:
    """Tell whether the extra ``clip`` is installed, without importing it."""
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def require_clip() -> None:
    """Raise `InputError` with an install hint if the extra ``clip`` is not installed."""
    if not clip_installed():
        raise InputError(_INSTALL_HINT)


def open_clip_library() -> Any:  # noqa: ANN401 - a module
    """Import open_clip. Raises `InputError` with an install hint if it is not installed."""
    try:
        import open_clip
    except ImportError:
        raise InputError(_INSTALL_HINT) from None
    return open_clip
