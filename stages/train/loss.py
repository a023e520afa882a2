"""Losses that know which pairs in a batch are no negatives of each other.

96 % of SkyScript's pairs share their caption with another pair. In the plain loss, such pairs are
negatives of each other, so images of the same text are pushed apart. The losses here mask these
negatives (CLIP), or treat them as positives (SigLIP). A target that is spread evenly over equal
texts (UniCL) would change nothing: equal texts have equal logits, so the sum of the plain loss over
these pairs has the same gradient.

With a table ``truth``, an image that certainly shows what another pair's caption names is no
negative of it either.

False statements on an image (`HARD`) are further texts of this image alone: NegCLIP (Yuksekgonul et
al., ICLR 2023) sets those of the whole batch against it, but they may be true of other images.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from open_clip.loss import ClipLoss, SigLipLoss
from torch.distributed.nn.functional import all_gather
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.labels import Labels, are_partners, gather

HARD = "hard_negatives"
"""Cosines of each image and the false statements on it: images x statements."""
IS_HARD = "is_hard_negative"
"""Whether there is such a statement."""
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
    hard: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the contrastive loss without the negatives that ``partners`` marks.

    The first marks are those of the images' rows, the second those of the texts' rows. ``own`` is
    the column of each row's positive. ``hard`` has the logits of further texts of each image.
    """
    losses = []
    further = (hard, None)
    for logits, marked, more in zip(
        (logits_per_image, logits_per_text), partners, further, strict=True
    ):
        others = marked.scatter(1, own[:, None], value=False)
        logits = logits.masked_fill(others, -torch.inf)
        if more is not None:
            logits = torch.cat([logits, more.to(logits.dtype)], 1)
        losses.append(functional.cross_entropy(logits, own))
    return (losses[0] + losses[1]) / 2


class MaskedLoss:
    """open_clip's CLIP loss over all devices. Partners are not negatives."""

    def __init__(self, place: Place, gathering: dict[str, bool]) -> None:
        self._logits = ClipLoss(**gathering, rank=place.rank, world_size=place.world).get_logits
        self._place, self._local = place, gathering["local_loss"]

    def __call__(self, features: dict[str, torch.Tensor], labels: Labels) -> torch.Tensor:
        """Return the loss."""
        plain = {name: of for name, of in features.items() if name not in {HARD, IS_HARD}}
        per_image, per_text = self._logits(**plain)
        every = labels.gathered(self._place)
        rows = labels if self._local else every
        count = len(labels.texts)
        first = self._place.rank * count if self._local else 0
        own = torch.arange(first, first + len(rows.texts), device=labels.texts.device)
        partners = are_partners(rows, every), are_partners(every, rows).T
        return masked_loss(per_image, per_text, partners, own, self._hard_logits(features))

    def _hard_logits(self, features: dict[str, torch.Tensor]) -> torch.Tensor | None:
        """Return the logits of the false statements on the images of the loss's rows."""
        if HARD not in features:
            return None
        cosines, there = features[HARD], features[IS_HARD]
        if not self._local and self._place.world > 1:  # as its features: own ones with gradient
            parts = list(gather(cosines.detach(), self._place).chunk(self._place.world))
            parts[self._place.rank] = cosines
            cosines = torch.cat(parts)
            there = gather(there.to(torch.uint8), self._place).bool()
        return (features["logit_scale"] * cosines).masked_fill(~there, -torch.inf)


class MultiPositiveSigLip:
    """SigLIP's loss. An image and any text equal to its own are a positive pair.

    An image that shows what another text names is left out: it may show it in a corner only.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def __call__(self, features: dict[str, torch.Tensor], labels: Labels) -> torch.Tensor:
        """Return the loss of this device's images and all devices' texts.

        As in open_clip, the texts of one device are compared at a time. Their logits are computed
        again in the backward pass, so those of one device are in memory and not those of all.
        """
        images, texts = features["image_features"], features["text_features"]
        scale, bias = features["logit_scale"], features.get("logit_bias")
        if self._place.world == 1:
            total = _sum_of_pairs(images, texts, scale, bias, labels, labels)
        else:
            total = torch.zeros((), device=images.device)
            for some, theirs in zip(all_gather(texts), labels.of_devices(self._place), strict=True):
                given = (images, some, scale, bias, labels, theirs)
                total = total + checkpoint(_sum_of_pairs, *given, use_reentrant=False)
        if HARD in features:
            hard = scale * features[HARD] + (0 if bias is None else bias)
            total = total + (functional.logsigmoid(-hard) * features[IS_HARD]).sum()
        return -total / len(images)


def _sum_of_pairs(
    images: torch.Tensor,
    texts: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor | None,
    own: Labels,
    theirs: Labels,
) -> torch.Tensor:
    """Return the sum of the log-likelihoods of all pairs of these images and these texts."""
    logits = scale * images @ texts.T
    if bias is not None:
        logits = logits + bias
    same = own.texts[:, None] == theirs.texts[None, :]
    counts = same | ~are_partners(own, theirs)
    signs = same.to(logits.dtype) * 2 - 1
    return (functional.logsigmoid(signs * logits) * counts).sum()
