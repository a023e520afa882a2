"""Losses that know which pairs of a batch have the same text.

Of SkyScript's pairs 96 % share their caption with another. In the plain loss such pairs compete:
images of one text push one another away. Here they are left out of each other's negatives, or are
positives (SigLIP). To spread the target evenly over them (UniCL) would change nothing: equal texts
have equal logits, so the sum of the plain loss's targets is that spread already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from open_clip.loss import ClipLoss, SigLipLoss
from torch import distributed
from torch.distributed.nn.functional import all_gather
from torch.nn import functional

from stages.train.adapter import Place
from stages.train.config import TrainConfig

Loss = Callable[[dict[str, torch.Tensor], torch.Tensor], torch.Tensor]
"""Of a model's features, and the numbers of the texts: equal texts have one number."""


def multi_positive(
    logits_per_image: torch.Tensor, logits_per_text: torch.Tensor, same: torch.Tensor
) -> torch.Tensor:
    """Give the contrastive loss with its target spread over all pairs that ``same`` marks.

    Where equal texts have equal features, it is the plain loss.
    """
    right = same.float()
    right /= right.sum(1, keepdim=True)
    return (
        functional.cross_entropy(logits_per_image, right)
        + functional.cross_entropy(logits_per_text, right)
    ) / 2


def make_loss(config: TrainConfig, place: Place) -> Loss:
    """Give the loss that the options name."""
    known = {"rank": place.rank, "world_size": place.world}
    if config.loss == "siglip":
        if config.same_text == "positive":
            return MultiPositiveSigLip(place)
        return _plain(SigLipLoss(**known))
    whole = config.gather == "whole"
    gathering = {"local_loss": whole, "gather_with_grad": whole}
    if config.same_text == "positive":
        return EqualTextsLeftOut(place, gathering)
    return _plain(ClipLoss(**gathering, **known))


def _plain(loss: Any) -> Loss:  # noqa: ANN401 - a module of open_clip's
    def of(features: dict[str, torch.Tensor], texts: torch.Tensor) -> torch.Tensor:  # noqa: ARG001
        found: torch.Tensor = loss(**features)
        return found

    return of


def left_out(
    logits_per_image: torch.Tensor,
    logits_per_text: torch.Tensor,
    same: torch.Tensor,
    own: torch.Tensor,
) -> torch.Tensor:
    """Give the contrastive loss of each row's ``own``; what ``same`` marks is no negative."""
    others = same.scatter(1, own[:, None], value=False)
    return (
        functional.cross_entropy(logits_per_image.masked_fill(others, -torch.inf), own)
        + functional.cross_entropy(logits_per_text.masked_fill(others, -torch.inf), own)
    ) / 2


class EqualTextsLeftOut:
    """open_clip's loss, its logits over all devices, with equal texts no negatives."""

    def __init__(self, place: Place, gathering: dict[str, bool]) -> None:
        self._logits = ClipLoss(**gathering, rank=place.rank, world_size=place.world).get_logits
        self._place, self._local = place, gathering["local_loss"]

    def __call__(self, features: dict[str, torch.Tensor], texts: torch.Tensor) -> torch.Tensor:
        """Give the loss."""
        logits = self._logits(**features)
        everyone = gathered(texts, self._place)
        rows = texts if self._local else everyone
        first = self._place.rank * len(texts) if self._local else 0
        own = torch.arange(first, first + len(rows), device=texts.device)
        per_image, per_text = logits
        return left_out(per_image, per_text, rows[:, None] == everyone[None, :], own)


class MultiPositiveSigLip:
    """SigLIP's loss with every pair of image and equal text a positive."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def __call__(self, features: dict[str, torch.Tensor], texts: torch.Tensor) -> torch.Tensor:
        """Give the loss: of this device's images and all devices' texts."""
        vectors = features["text_features"]
        if self._place.world > 1:
            vectors = torch.cat(all_gather(vectors))
        logits = features["logit_scale"] * features["image_features"] @ vectors.T
        if "logit_bias" in features:
            logits = logits + features["logit_bias"]
        same = texts[:, None] == gathered(texts, self._place)[None, :]
        signs = same.to(logits.dtype) * 2 - 1
        return -functional.logsigmoid(signs * logits).sum() / len(logits)


def gathered(values: torch.Tensor, place: Place) -> torch.Tensor:
    """Give every device's values, in the order of the devices."""
    if place.world == 1:
        return values
    found = [torch.empty_like(values) for _ in range(place.world)]
    distributed.all_gather(found, values)
    return torch.cat(found)
