"""A CLIP's forward pass in training that computes each distinct text once.

Texts are cut after the end token of the longest one. Features and gradients are the same except for
rounding, and SkyScript's texts are short and repeat, so this saves most of the text tower's work.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from skyscript.clip.text import causal_tower, encode_truncated
from stages.train.loading import Batch
from stages.train.loss import HARD, IS_HARD

_TOKENS = 8
"""Texts are padded to a multiple of this number of tokens, so that few shapes occur."""


class Towers(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """The module for DistributedDataParallel. The model inside keeps the names of its weights."""

    def __init__(self, model: Any, tokenizer: Any) -> None:  # noqa: ANN401 - of open_clip's
        super().__init__()
        self.model = model
        # In a tuple, so that torch does not register the text tower a second time.
        self._tower = (causal_tower(model, tokenizer),)

    def forward(
        self,
        images: torch.Tensor,
        tokens: torch.Tensor,
        where: torch.Tensor,
        negatives: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Return the features of images and texts. Image i has the text ``tokens[where[i]]``.

        ``negatives`` holds the rows of the false statements on each image, -1 where it has none.
        """
        every = self._encode_texts(tokens)
        pixels = self.model.encode_image(images, normalize=True)
        found = {
            "image_features": pixels,
            "text_features": every[where],
            "logit_scale": self.model.logit_scale.exp(),
        }
        if self.model.logit_bias is not None:
            found["logit_bias"] = self.model.logit_bias
        if negatives.shape[1]:
            cosines = (pixels[:, None].float() * every[negatives.clamp(min=0)].float()).sum(-1)
            found |= {HARD: cosines, IS_HARD: negatives >= 0}
        return found

    def _encode_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        (tower,) = self._tower
        if tower is None:
            whole: torch.Tensor = self.model.encode_text(tokens, normalize=True)
            return whole
        return functional.normalize(encode_truncated(tower, tokens), dim=-1)

    def shorten(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the tokens of the distinct texts, cut after the longest, and where each is.

        The places are those of the captions, and those of the false statements. The tokens must be
        on the CPU: on a GPU, this would wait for the device.
        """
        texts, missing = batch.labels.texts, batch.negatives < 0
        numbers = torch.where(missing, texts[:, None], batch.negatives)
        tokens = torch.cat([batch.tokens, batch.negative_tokens.flatten(0, 1)])
        _, first, where = distinct_texts(torch.cat([texts, numbers.flatten()]))
        distinct = tokens[first]
        if self._tower != (None,):
            ends = int(distinct.argmax(1).max()) + 1
            distinct = distinct[:, : -(-ends // _TOKENS) * _TOKENS]
        own, others = where[: len(texts)], where[len(texts) :].reshape(missing.shape)
        return distinct, own, others.masked_fill(missing, -1)


def distinct_texts(texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the distinct numbers, the first row of each, and for each row its distinct number."""
    numbers, where = texts.unique(return_inverse=True)
    rows = torch.arange(len(texts))
    first = torch.full((len(numbers),), len(texts)).scatter_reduce_(0, where, rows, "amin")
    return numbers, first, where
