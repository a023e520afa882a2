"""A CLIP's forward pass in training, without what it need not compute.

Each distinct text of a batch goes through the text tower once, cut after its end token: features
and gradients are the same but for rounding, and of SkyScript's texts little is left to compute.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from skyscript.clip.text import causal_tower, encode_truncated

_TOKENS = 8
"""Texts are padded to a multiple of so many tokens: few shapes, little waste."""


class Towers(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """What DistributedDataParallel wraps; the model's own state is not renamed by it."""

    def __init__(self, model: Any, tokenizer: Any) -> None:  # noqa: ANN401 - of open_clip's
        super().__init__()
        self.model = model
        self._tower = (causal_tower(model, tokenizer),)  # in a tuple: it is no part of its own

    def forward(
        self, images: torch.Tensor, tokens: torch.Tensor, where: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Give features of images and of their texts: row ``where[i]`` of ``tokens``."""
        words = self._words(tokens)[where]
        found = {
            "image_features": self.model.encode_image(images, normalize=True),
            "text_features": words,
            "logit_scale": self.model.logit_scale.exp(),
        }
        if self.model.logit_bias is not None:
            found["logit_bias"] = self.model.logit_bias
        return found

    def _words(self, tokens: torch.Tensor) -> torch.Tensor:
        (tower,) = self._tower
        if tower is None:
            whole: torch.Tensor = self.model.encode_text(tokens, normalize=True)
            return whole
        return functional.normalize(encode_truncated(tower, tokens), dim=-1)

    def shortened(
        self, tokens: torch.Tensor, texts: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the tokens of the distinct texts, cut where the longest ends, and each pair's row.

        On the CPU, before they travel: a device would have to be waited for.
        """
        numbers, where = texts.unique(return_inverse=True)
        rows = torch.arange(len(texts))
        first = torch.full((len(numbers),), len(texts)).scatter_reduce_(0, where, rows, "amin")
        distinct = tokens[first]
        if self._tower != (None,):
            ends = int(distinct.argmax(1).max()) + 1
            distinct = distinct[:, : -(-ends // _TOKENS) * _TOKENS]
        return distinct, where
