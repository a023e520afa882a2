"""Creates an open_clip model and loads its weights without running code.

A checkpoint is a pickle, and one from outside is untrusted. Only tensors are built, and the numpy
scalars that optimisers wrote before 2024 (SkyCLIP's checkpoints contain them).
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
    """Give a model with its weights; ``more`` is passed to open_clip's ``create_model``.

    Raises `InputError` if the weights do not load, or if the activation differs from the source's.
    """
    open_clip = open_clip_library()
    more.setdefault("require_pretrained", True)
    try:
        with _silence_open_clip(), allow_numpy_scalars():
            model = open_clip.create_model(
                source.model,
                pretrained=source.pretrained,
                device=device,
                force_quick_gelu=source.quick_gelu,
                **more,
            )
            if source.model.startswith(LOCAL) and source.pretrained:
                # Now, because create_model loads the weights of the folder.
                open_clip.load_checkpoint(model, source.pretrained)
    except Exception as error:  # open_clip, torch and the hub raise many classes
        raise InputError(
            f"{source.pretrained or source.model}: its weights cannot be found or loaded: "
            f"{_first_line(error)}. Without a network, give a checkpoint file."
        ) from error
    _check_activation(model, source)
    return model


def create_tokenizer(source: ClipSource) -> Any:  # noqa: ANN401 - of open_clip
    """Give the tokenizer of a model. Raises `InputError` if it cannot be found or fetched."""
    try:
        with _silence_open_clip():
            return open_clip_library().get_tokenizer(source.model)
    except Exception as error:  # the hub, transformers and open_clip raise many classes
        raise InputError(
            f"{source.model}: its tokenizer is not on this machine and cannot be fetched: "
            f"{_first_line(error)}. Run it once with a network, or copy the Hugging Face cache of "
            "a machine that has it."
        ) from error


def _first_line(error: Exception) -> str:
    """Give an error's first line, without torch's advice to let a file run code."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return re.split(r"\. (?:In PyTorch|Re-running)|\(1\)", line)[0].strip().rstrip(".")


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load a checkpoint file on the CPU. Raises `InputError` that names the file."""
    import torch

    try:
        with allow_numpy_scalars():
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many classes for an invalid file
        raise InputError(
            f"{path}: is not a checkpoint that can be loaded safely: {_first_line(error)}."
        ) from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: is not a checkpoint: it contains a {type(found).__name__}.")
    return found


@contextmanager
def allow_numpy_scalars() -> Iterator[None]:
    """Let ``torch.load`` also build numpy scalars, of numpy 1 and 2, and nothing else."""
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
def _silence_open_clip() -> Iterator[None]:
    """Silence open_clip, which logs to the root logger."""
    logging.getLogger().disabled, before = True, logging.getLogger().disabled
    try:
        yield
    finally:
        logging.getLogger().disabled = before


def _check_activation(model: Any, source: ClipSource) -> None:  # noqa: ANN401
    """Raise `InputError` if the activation differs from that of the weights' training."""
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
