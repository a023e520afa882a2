"""Creates an open_clip model with its weights: of a tag, of the hub, or of a checkpoint file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from skyscript.clip.checkpoint.reading import allow_plain_objects, first_line, read_checkpoint
from skyscript.clip.checkpoint.sizes import require_same_keys, sizes_of
from skyscript.clip.checkpoint.state_dict import clip_weights
from skyscript.clip.source import ClipSource, model_config, open_clip_library

_BIG_VISION = (".npz", ".npy")
"""The files of SigLIP's own training code, which open_clip reads."""


def create_model(source: ClipSource, device: str, **more: Any) -> Any:  # noqa: ANN401
    """Give a model with its weights; ``more`` is passed to open_clip's ``create_model``.

    A checkpoint file decides the image size and the context length of the model. Raises
    `InputError` if the weights do not load, or if the activation differs from the source's.
    """
    if source.file is None or source.file.suffix in _BIG_VISION:
        model = _create(source, device, pretrained=source.pretrained, **more)
    else:
        model = _create_from_file(source, source.file, device, **more)
    _check_activation(model, source)
    return model


def _create(source: ClipSource, device: str, **more: Any) -> Any:  # noqa: ANN401
    """Give the model that open_clip creates."""
    more.setdefault("require_pretrained", True)
    try:
        with _silence_open_clip(), allow_plain_objects():
            return open_clip_library().create_model(
                source.model, device=device, force_quick_gelu=source.quick_gelu, **more
            )
    except Exception as error:  # open_clip, torch and the hub raise many classes
        raise InputError(
            f"{source.pretrained or source.model}: its weights cannot be found or loaded: "
            f"{first_line(error)}. Without a network, give a checkpoint file."
        ) from error


def _create_from_file(source: ClipSource, file: Path, device: str, **more: Any) -> Any:  # noqa: ANN401
    """Give a model of the checkpoint's own sizes with the weights of the file."""
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    weights = clip_weights(file, read_checkpoint(file))
    sizes = sizes_of(file, weights, model_config(source))
    more |= {"load_weights": False, "require_pretrained": False, "pretrained_text": False}
    model = _create(
        source,
        device,
        force_image_size=sizes.image_size,
        force_context_length=sizes.context_length,
        **more,
    )
    with _silence_open_clip():
        weights = convert_state_dict(model, weights)
        if "positional_embedding" in weights and not hasattr(model, "positional_embedding"):
            weights = convert_to_custom_text_state_dict(weights)
    for name in ("logit_scale", "logit_bias"):  # some training scripts store them as vectors
        if name in weights and getattr(model, name, None) is not None:
            weights[name] = weights[name].reshape(getattr(model, name).shape)
    if "logit_bias" not in weights and getattr(model, "logit_bias", None) is not None:
        weights["logit_bias"] = weights["logit_scale"] * 0  # a CLIP, to be trained as a SigLIP
    require_same_keys(file, weights, model, source.model)
    model.load_state_dict(weights)
    return model


def own_context_length(model: Any, source: ClipSource) -> int | None:  # noqa: ANN401
    """Give the context length of a model in tokens if it differs from its architecture's."""
    bare = getattr(model, "module", model)
    return sizes_of(Path(source.model), bare.state_dict(), model_config(source)).context_length


def create_tokenizer(source: ClipSource, context_length: int | None = None) -> Any:  # noqa: ANN401
    """Give the tokenizer of a model, by default for the context length of its architecture.

    Raises `InputError` if it cannot be found or fetched.
    """
    try:
        with _silence_open_clip():
            return open_clip_library().get_tokenizer(source.model, context_length)
    except Exception as error:  # the hub, transformers and open_clip raise many classes
        raise InputError(
            f"{source.model}: its tokenizer is not on this machine and cannot be fetched: "
            f"{first_line(error)}. Run it once with a network, or copy the Hugging Face cache of "
            "a machine that has it."
        ) from error


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
