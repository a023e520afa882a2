"""Compares a checkpoint's weights with a model: the sizes that the checkpoint needs, and the keys.

A position table says for which image size or context length a model was trained. The checkpoint's
own sizes win over those of the architecture: resampled tables give other vectors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import InputError
from skyscript.clip.source import open_clip_library

_SHOWN = 3


class Sizes(NamedTuple):
    """The sizes of a checkpoint where they differ from the architecture's."""

    image_size: int | None
    context_length: int | None


def sizes_of(path: Path, weights: Mapping[str, Any], architecture: Mapping[str, Any]) -> Sizes:
    """Give the image size in pixels and the context length in tokens that the tables are for.

    None where they are the architecture's, or where its towers have no such table.
    Raises `InputError` if a table fits no square image.
    """
    return Sizes(
        _image_size(path, weights, architecture["vision_cfg"]),
        _context_length(weights, architecture["text_cfg"]),
    )


def _image_size(path: Path, weights: Mapping[str, Any], vision: Mapping[str, Any]) -> int | None:
    table, patches = weights.get("visual.positional_embedding"), weights.get("visual.conv1.weight")
    if table is None or patches is None or table.ndim != 2 or patches.ndim != 4:
        return None
    side = math.isqrt(max(len(table) - 1, 0))
    if side == 0 or side * side + 1 != len(table):
        raise InputError(
            f"{path}: its image table has {len(table)} rows, which is no square of patches and a "
            "class token."
        )
    size = side * int(patches.shape[-1])
    return None if size == vision.get("image_size", 224) else size


def _context_length(weights: Mapping[str, Any], text: Mapping[str, Any]) -> int | None:
    table = weights.get("positional_embedding", weights.get("text.positional_embedding"))
    if table is None or table.ndim != 2:
        return None
    length = len(table) - bool(text.get("embed_cls"))
    return None if length == text.get("context_length", 77) else length


def require_same_keys(path: Path, weights: Mapping[str, Any], model: Any, name: str) -> None:  # noqa: ANN401
    """Raise `InputError` with the keys that differ if the weights are of another architecture."""
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    given = {key: tuple(value.shape) for key, value in weights.items()}
    shapes = [
        f"{key} is {_by(given[key])} in the file and {_by(wanted[key])} in the model"
        for key in wanted
        if key in given and given[key] != wanted[key]
    ]
    differences = [
        _list("missing in the file", [key for key in wanted if key not in given]),
        _list("unknown to the model", [key for key in given if key not in wanted]),
        _list("of other shapes", shapes),
    ]
    if any(differences):
        likely = _likely_architectures(weights)
        advice = f"The weights fit {likely}." if likely else "Name the architecture of the file."
        raise InputError(
            f"{path}: its weights are of another architecture than {name}: "
            f"{'; '.join(filter(None, differences))}. {advice}"
        )


def _list(what: str, keys: list[str]) -> str:
    if not keys:
        return ""
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return f"{len(keys)} keys {what} ({', '.join(keys[:_SHOWN])}{more})"


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a number"


def _likely_architectures(weights: Mapping[str, Any]) -> str:
    """Name open_clip's vision transformers whose widths, patches and layers are the file's."""
    patches, table = weights.get("visual.conv1.weight"), weights.get("token_embedding.weight")
    if patches is None or table is None or patches.ndim != 4 or table.ndim != 2:
        return ""
    layers = {name.split(".")[3] for name in weights if name.startswith("visual.transformer.res")}
    seen = (patches.shape[0], patches.shape[-1], len(layers), table.shape[1])
    open_clip = open_clip_library()
    found = []
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        vision, text = config["vision_cfg"], config["text_cfg"]
        fields = (vision.get("width"), vision.get("patch_size"), vision.get("layers"))
        if (*fields, text.get("width")) == seen and not name.endswith("-quickgelu"):
            found.append(name)
    return " or ".join(sorted(found, key=len)[:2])
