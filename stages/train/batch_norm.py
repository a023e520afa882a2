"""Batch normalisation over the batches of all processes, on any device.

A ResNet tower normalises by the mean and the variance of the batch. With the batch split over
several processes, each would normalise by those of its part, and the loss would be another one.
torch.nn.SyncBatchNorm does the same on GPUs only.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import distributed, nn


class _Sum(torch.autograd.Function):  # type: ignore[misc]  # torch is not typed here
    """The sum of a tensor over all processes; its gradient is the sum of all their gradients."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:  # noqa: ANN401, ARG004
        """Add up the tensors of all processes."""
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
        """Add up the gradients of all processes."""
        return _Sum.forward(ctx, gradient)


def _sum(values: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = _Sum.apply(values)
    return found


class _SharedBatchNorm(nn.BatchNorm2d):  # type: ignore[misc]
    """Normalises by the statistics of the batch of all processes. Weights and names as before."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Normalise a batch of images x channels x height x width."""
        if not self.training or distributed.get_world_size() == 1:
            return super().forward(input)
        values = input.float()
        count = torch.full_like(values[0, :, 0, 0], values.numel() / values.shape[1])
        sums = torch.stack([values.sum((0, 2, 3)), count])
        total, number = _sum(sums)
        centred = values - (total / number)[:, None, None]
        spread = _sum((centred**2).sum((0, 2, 3)))
        self._remember((total / number).detach(), (spread / (number - 1)).detach())
        found = centred * torch.rsqrt(spread / number + self.eps)[:, None, None]
        if self.affine:
            found = found * self.weight[:, None, None] + self.bias[:, None, None]
        return found.to(input.dtype)

    def _remember(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        """Update the running statistics, which are used after training."""
        if self.running_mean is None or self.running_var is None:
            return
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        share = self.momentum
        if share is None:  # the plain mean over all batches
            share = 1.0 / float(self.num_batches_tracked or 1)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


def synchronise_batch_norm(model: nn.Module) -> None:
    """Let every batch normalisation of a model use the batch of all processes."""
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = _SharedBatchNorm
