"""Which CLIP a config means, found out without loading it: the name under which its vectors stay.

Quick-GELU is the activation of OpenAI's weights and of all training that began from them. open_clip
3 only warns where it is wrong, and the scores are then wrong too; here it follows from the weights,
or must be said.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from pipeline.atomic import content_id, file_id
from pipeline.errors import InputError
from pipeline.stage import EXECUTION, StageConfig

TINY = "tiny"
"""Names the model that ships with the project; it has only ever seen simulated tiles."""
TINY_FOLDER = Path(__file__).parents[2] / "data" / "tiny_clip"
LOCAL = "local-dir:"
HUB = "hf-hub:"
_NEEDED = ("torch", "torchvision", "open_clip", "simplejpeg")
_GET_IT = "scoring needs torch and open_clip: pip install 'skyscript[clip]'"


class ClipConfig(StageConfig):
    """Which CLIP, and where it runs. What decides a score is the weights: see `ClipSource`."""

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
    quick_gelu: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Use the activation of OpenAI's weights and of all models that were trained "
        "from them. A tag implies it; a checkpoint file does not.",
        json_schema_extra=EXECUTION,
    )
    device: str | None = Field(
        None,
        description="Run on this device: cpu, cuda, cuda:1 … By default, a GPU is used if there "
        "is one.",
        json_schema_extra=EXECUTION,
    )


class ClipSource(NamedTuple):
    """A model as open_clip is asked for it; all of it decides a score."""

    model: str
    pretrained: str | None
    quick_gelu: bool
    weights: str
    """Content id of the files, or the tag."""

    def identity(self) -> Mapping[str, str]:
        """Say it in the run's manifest; a path is no part of it."""
        local = self.model.startswith(LOCAL)
        return {
            "architecture": "local" if local else self.model,
            "weights": self.weights,
            "quick_gelu": "on" if self.quick_gelu else "off",
        }

    def digest(self) -> str:
        """Give a short name for vectors of this model."""
        return content_id(json.dumps(self.identity(), sort_keys=True).encode())[:12]


def find_clip(config: ClipConfig) -> ClipSource:
    """Find out which model a config means, and its activation; nothing is loaded.

    Raises `InputError` if there is no such model or file, or its activation cannot be told.
    """
    model = f"{LOCAL}{TINY_FOLDER}" if config.model == TINY else config.model
    if model.startswith(LOCAL):
        return _in_folder(Path(model.removeprefix(LOCAL)).expanduser(), config)
    if model.startswith(HUB):
        if _given_file(config):
            raise InputError(
                f"pretrained {config.pretrained!r}: a model of the hub has its own weights; name "
                "the checkpoint's architecture, or a folder as local-dir:FOLDER."
            )
        return ClipSource(model, None, config.quick_gelu == "on", model)
    open_clip = open_clip_library()
    architecture = open_clip.get_model_config(model)
    if architecture is None:
        raise InputError(
            f"model {model!r}: open_clip {open_clip.__version__} has no such architecture; see "
            "open_clip.list_models(), or name a folder as local-dir:FOLDER."
        )
    quick = bool(architecture.get("quick_gelu", False))
    if config.pretrained is None:
        raise InputError(f"model {model!r}: `pretrained` must name a tag or a checkpoint file.")
    if (tag := open_clip.get_pretrained_cfg(model, config.pretrained)) and tag:
        needed = bool(tag.get("quick_gelu", False))
        if config.quick_gelu != "auto" and (config.quick_gelu == "on") != needed:
            raise InputError(
                f"quick_gelu: {config.quick_gelu}: the weights {config.pretrained!r} of {model} "
                f"were trained with it {'on' if needed else 'off'}; leave it out."
            )
        return ClipSource(model, config.pretrained, needed, f"tag {config.pretrained}")
    path = Path(config.pretrained).expanduser()
    if not path.is_file():
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(model))
        raise InputError(
            f"pretrained {config.pretrained!r}: is neither a file nor a tag of {model} ({tags})."
        )
    return ClipSource(model, str(path), _file_gelu(model, quick, config), file_id(path))


def _file_gelu(model: str, quick: bool, config: ClipConfig) -> bool:
    """Give the activation for a checkpoint file, which does not say it."""
    if quick or config.quick_gelu != "auto":
        return quick or config.quick_gelu == "on"
    if f"{model}-quickgelu" in open_clip_library().list_models():
        raise InputError(
            f"pretrained {config.pretrained!r}: a file does not say its activation. Name the model "
            f"{model}-quickgelu where its training began from OpenAI's weights (SkyCLIP's ViT-L-14 "
            "did), else set quick_gelu to off."
        )
    return False


def _in_folder(folder: Path, config: ClipConfig) -> ClipSource:
    path = folder / "open_clip_config.json"
    weights = sorted([*folder.glob("open_clip_*model.*"), *folder.glob("model.*")])
    if not path.is_file() or not weights:
        raise InputError(
            f"{folder}: is no folder of a model; it holds open_clip_config.json and "
            "open_clip_model.safetensors."
        )
    try:
        settings = json.loads(path.read_text("utf-8"))["model_cfg"]
        quick = bool(settings.get("quick_gelu", False)) or config.quick_gelu == "on"
    except (ValueError, LookupError, TypeError, AttributeError):
        raise InputError(f"{path}: describes no model of open_clip's.") from None
    other = _given_file(config)
    if other is not None:
        weights = [other]  # a checkpoint of this architecture
    held = content_id(path.read_bytes()) + "".join(file_id(file) for file in weights)
    pretrained = str(other) if weights == [other] else None
    return ClipSource(f"{LOCAL}{folder}", pretrained, quick, content_id(held.encode()))


def _given_file(config: ClipConfig) -> Path | None:
    """Give the checkpoint file beside a model that has weights; a tag is not used there.

    Raises `InputError` for what is neither: the model would be another than the one meant.
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
    """Tell whether the extra ``clip`` is there; nothing is imported."""
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def need_clip() -> None:
    """Raise `InputError`, which says how to get it, if the extra ``clip`` is not installed."""
    if not clip_installed():
        raise InputError(_GET_IT)


def open_clip_library() -> Any:  # noqa: ANN401 - a module
    """Import open_clip, or raise `InputError` that says how to get it."""
    try:
        import open_clip
    except ImportError:
        raise InputError(_GET_IT) from None
    return open_clip
