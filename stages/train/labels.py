"""What the loss knows of the pairs of a batch besides their features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import distributed

from stages.train.adapter import Place


class Labels(NamedTuple):
    """The captions of some pairs, and what their images show: a row for each pair."""

    texts: torch.Tensor
    """Numbers of the captions. Equal captions have the same number."""
    says: torch.Tensor
    """1 for each concept that the caption names: pairs x concepts; no column without a truth."""
    shows: torch.Tensor
    """1 for each concept that the image certainly shows."""

    @classmethod
    def of_texts(cls, texts: torch.Tensor) -> Labels:
        """Give the labels of pairs without a truth."""
        nothing = torch.zeros((len(texts), 0), dtype=torch.uint8, device=texts.device)
        return cls(texts, nothing, nothing)

    @classmethod
    def join(cls, labels: Sequence[Labels]) -> Labels:
        """Join the labels of several batches."""
        return cls(*(torch.cat(parts) for parts in zip(*labels, strict=True)))

    def gathered(self, place: Place) -> Labels:
        """Return the labels of all devices, in the order of the devices."""
        return Labels(*(gather(values, place) for values in self))

    def of_devices(self, place: Place) -> list[Labels]:
        """Return the labels of each device."""
        parts = (values.chunk(place.world) for values in self.gathered(place))
        return [Labels(*some) for some in zip(*parts, strict=True)]


def are_partners(images: Labels, texts: Labels) -> torch.Tensor:
    """Tell for each image (row) and caption (column) whether they are no negative pair.

    They have the same caption, or the image shows all concepts that the caption names, of at least
    one.
    """
    same = images.texts[:, None] == texts.texts[None, :]
    if not texts.says.shape[1]:
        return same
    lacking = (1.0 - images.shows.float()) @ texts.says.float().T
    return same | ((lacking < 0.5) & (texts.says.sum(1) > 0)[None, :])


def gather(values: torch.Tensor, place: Place) -> torch.Tensor:
    """Return the values of all devices, in the order of the devices."""
    if place.world == 1:
        return values
    found = [torch.empty_like(values) for _ in range(place.world)]
    distributed.all_gather(found, values)
    return torch.cat(found)
