"""Losses that know which pairs in a batch are no negatives of each other.

96 % of SkyScript's pairs share their caption with another pair. In the plain loss, such pairs are
negatives of each other, so images of the same text are pushed apart. The losses here mask these
negatives (CLIP), or treat them as positives (SigLIP). A target that is spread evenly over equal
texts (UniCL) would change nothing: equal texts have equal logits, so the sum of the plain loss over
these pairs has the same gradient.

With a table ``truth``, an image that certainly shows what another pair's caption names is no
negative of it either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from open_clip.loss import ClipLoss, SigLipLoss
from torch.distributed.nn.functional import all_gather
from torch.nn import functional

from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.labels import Labels, are_partners

Loss = Callable[[dict[str, torch.Tensor], Labels], torch.Tensor]


def multi_positive_loss(
    logits_per_image: torch.Tensor, logits_per_text: torch.Tensor, same: torch.Tensor
) -> torch.Tensor:
    """Return the contrastive loss whose target is spread evenly over the pairs in ``same``.

    If equal texts have equal features, it equals the plain loss.
    """
    target = same.float()
    target /= target.sum(1, keepdim=True)
    return (
        functional.cross_entropy(logits_per_image, target)
        + functional.cross_entropy(logits_per_text, target)
    ) / 2


def make_loss(config: TrainConfig, place: Place) -> Loss:
    """Return the loss that the options choose."""
    known = {"rank": place.rank, "world_size": place.world}
    if config.loss == "siglip":
        if config.same_text == "positive":
            return MultiPositiveSigLip(place)
        return _ignore_texts(SigLipLoss(**known))
    whole = config.gather == "whole"
    gathering = {"local_loss": whole, "gather_with_grad": whole}
    if config.same_text == "positive":
        return MaskedLoss(place, gathering)
    return _ignore_texts(ClipLoss(**gathering, **known))


def _ignore_texts(loss: Any) -> Loss:  # noqa: ANN401 - a module of open_clip's
    return lambda features, _: loss(**features)


def masked_loss(
    logits_per_image: torch.Tensor,
    logits_per_text: torch.Tensor,
    partners: tuple[torch.Tensor, torch.Tensor],
    own: torch.Tensor,
) -> torch.Tensor:
    """Return the contrastive loss without the negatives that ``partners`` marks.

    The first marks are those of the images' rows, the second those of the texts' rows. ``own`` is
    the column of each row's positive.
    """
    losses = []
    for logits, marked in zip((logits_per_image, logits_per_text), partners, strict=True):
        others = marked.scatter(1, own[:, None], value=False)
        losses.append(functional.cross_entropy(logits.masked_fill(others, -torch.inf), own))
    return (losses[0] + losses[1]) / 2


class MaskedLoss:
    """open_clip's CLIP loss over all devices. Partners are not negatives."""

    def __init__(self, place: Place, gathering: dict[str, bool]) -> None:
        self._logits = ClipLoss(**gathering, rank=place.rank, world_size=place.world).get_logits
        self._place, self._local = place, gathering["local_loss"]

    def __call__(self, features: dict[str, torch.Tensor], labels: Labels) -> torch.Tensor:
        """Return the loss."""
        per_image, per_text = self._logits(**features)
        every = labels.gathered(self._place)
        rows = labels if self._local else every
        count = len(labels.texts)
        first = self._place.rank * count if self._local else 0
        own = torch.arange(first, first + len(rows.texts), device=labels.texts.device)
        partners = are_partners(rows, every), are_partners(every, rows).T
        return masked_loss(per_image, per_text, partners, own)


class MultiPositiveSigLip:
    """SigLIP's loss. An image and any text equal to its own are a positive pair.

    An image that shows what another text names is left out: it may show it in a corner only.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def __call__(self, features: dict[str, torch.Tensor], labels: Labels) -> torch.Tensor:
        """Return the loss of this device's images and all devices' texts."""
        vectors = features["text_features"]
        if self._place.world > 1:
            vectors = torch.cat(all_gather(vectors))
        logits = features["logit_scale"] * features["image_features"] @ vectors.T
        if "logit_bias" in features:
            logits = logits + features["logit_bias"]
        every = labels.gathered(self._place)
        same = labels.texts[:, None] == every.texts[None, :]
        counts = same | ~are_partners(labels, every)
        signs = same.to(logits.dtype) * 2 - 1
        return -(functional.logsigmoid(signs * logits) * counts).sum() / len(logits)
