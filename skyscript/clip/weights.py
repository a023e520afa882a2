"""Making a model of open_clip's and loading its weights with code execution barred.

A checkpoint is a pickle, and one from outside is hostile until checked: only tensors are built, and
the numpy numbers that optimisers of before 2024 left in it (SkyCLIP's are such).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import InputError
from skyscript.clip.source import LOCAL, ClipSource, open_clip_library


def create_model(source: ClipSource, device: str, **more: Any) -> Any:  # noqa: ANN401
    """Give a model with its weights; ``more`` goes to open_clip's ``create_model``.

    Raises `InputError` if its weights do not load, or its activation is not the source's.
    """
    open_clip = open_clip_library()
    more.setdefault("require_pretrained", True)
    try:
        with _quiet(), safe_numbers():
            model = open_clip.create_model(
                source.model,
                pretrained=source.pretrained,
                device=device,
                force_quick_gelu=source.quick_gelu,
                **more,
            )
            if source.model.startswith(LOCAL) and source.pretrained:
                open_clip.load_checkpoint(model, source.pretrained)  # it took the folder's
    except Exception as error:  # whatever open_clip, torch or the hub raise: the user must know
        raise InputError(
            f"{source.pretrained or source.model}: its weights cannot be had or loaded: "
            f"{_why(error)}. Without a network, name a checkpoint file."
        ) from error
    _check_activation(model, source)
    return model


def _why(error: Exception) -> str:
    """Give an error's first line, without torch's advice to let a file run code."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return re.split(r"\. (?:In PyTorch|Re-running)|\(1\)", line)[0].strip().rstrip(".")


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Give what a checkpoint file holds, on the CPU. Raises `InputError` that names the file."""
    import torch

    try:
        with safe_numbers():
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is none of its own
        raise InputError(
            f"{path}: is no checkpoint that can be loaded safely: {_why(error)}."
        ) from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: is no checkpoint: it holds a {type(found).__name__}.")
    return found


@contextmanager
def safe_numbers() -> Iterator[None]:
    """Let ``torch.load`` build numpy numbers too, of numpy 1 and 2, and nothing else."""
    import torch

    scalar = np.float64(0).__reduce__()[0]
    allowed: list[Any] = [
        (scalar, "numpy.core.multiarray.scalar"),
        scalar,
        np.dtype,
        np.dtypes.Float64DType,
    ]
    with torch.serialization.safe_globals(allowed):
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence open_clip, which logs to the root."""
    logging.getLogger().disabled, before = True, logging.getLogger().disabled
    try:
        yield
    finally:
        logging.getLogger().disabled = before


def _check_activation(model: Any, source: ClipSource) -> None:  # noqa: ANN401
    """Stop where the model was built with another activation than its weights were trained with."""
    from open_clip.transformer import QuickGELU
    from torch import nn

    kinds = {type(part) for part in model.modules() if isinstance(part, QuickGELU | nn.GELU)}
    wrong = nn.GELU if source.quick_gelu else QuickGELU
    if wrong in kinds and len(kinds) == 1:
        wanted = "quick-GELU" if source.quick_gelu else "GELU"
        raise InputError(
            f"{source.model}: its weights need {wanted}, and the model was built with "
            f"{wrong.__name__}."
        )
