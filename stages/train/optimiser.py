"""AdamW with compensated sums, for learning rates near the rounding limit of fp32.

At a rate of 1e-9, a step is smaller than half the distance between two fp32 numbers near 0.1. A
plain addition rounds each such step away. Kahan summation stores the rounding error beside the
weight, and adds it once it is large enough. The same holds for weight decay (1 - 1e-9 is 1 in
fp32).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.distributed.tensor import DTensor

from stages.train.adapter import Adam
from stages.train.config import TrainConfig
from stages.train.sharding import local

Group = dict[str, Any]


def make_optimiser(
    model: torch.nn.Module, config: TrainConfig, constants: Adam
) -> torch.optim.Optimizer:
    """Return the optimiser. Gains, biases and the logit scale do not decay, as in open_clip."""
    groups = parameter_groups(model.named_parameters(), config.wd)
    known: dict[str, Any] = {
        "lr": config.lr,
        "betas": (constants.beta1, constants.beta2),
        "eps": constants.eps,
    }
    if config.optimizer == "kahan":
        return KahanAdamW(groups, **known)
    # Its loop over lists of tensors does not take whole tensors and parts of tensors together.
    one_by_one = any(isinstance(value, DTensor) for value in model.parameters())
    made: torch.optim.Optimizer = torch.optim.AdamW(
        groups, **known, foreach=False if one_by_one else None
    )
    return made


def parameter_groups(
    parameters: Iterable[tuple[str, torch.nn.Parameter]], decay: float
) -> list[Group]:
    """Split parameters into those that do not decay and those that do, as open_clip does."""
    plain: list[torch.nn.Parameter] = []
    decaying: list[torch.nn.Parameter] = []
    for name, value in parameters:
        if not value.requires_grad:
            continue
        words = ("bn", "ln", "bias", "logit_scale")
        exempt = value.ndim < 2 or any(word in name for word in words)
        (plain if exempt else decaying).append(value)
    return [{"params": plain, "weight_decay": 0.0}, {"params": decaying, "weight_decay": decay}]


class KahanAdamW(torch.optim.Optimizer):  # type: ignore[misc]  # torch is not typed here
    """AdamW with compensated summation."""

    def __init__(
        self, groups: Iterable[Group], lr: float, betas: tuple[float, float], eps: float
    ) -> None:
        super().__init__(list(groups), {"lr": lr, "betas": betas, "eps": eps, "weight_decay": 0.0})

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Update the parameters from their gradients."""
        assert closure is None
        for group in self.param_groups:
            values = [value for value in group["params"] if value.grad is not None]
            if values:
                self._step(group, values)

    def _step(self, group: Group, parameters: list[torch.Tensor]) -> None:
        values, gradients = ([local(of) for of in row] for row in (parameters, _grads(parameters)))
        states = [self._state_of(value) for value in parameters]
        means, squares, rests = (
            [local(state[name]) for state in states] for name in ("exp_avg", "exp_avg_sq", "rest")
        )
        for state in states:
            state["step"] += 1
        beta1, beta2 = group["betas"]
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        steps = [state["step"].item() for state in states]
        change = torch._foreach_sqrt(squares)
        torch._foreach_div_(change, [(1 - beta2**step) ** 0.5 for step in steps])
        torch._foreach_add_(change, group["eps"])
        scaled = torch._foreach_div(means, [1 - beta1**step for step in steps])
        torch._foreach_div_(scaled, change)
        torch._foreach_add_(scaled, values, alpha=group["weight_decay"])
        _add(values, rests, scaled, -group["lr"])

    def _state_of(self, value: torch.Tensor) -> dict[str, torch.Tensor]:
        state: dict[str, torch.Tensor] = self.state[value]
        if not state:
            state["step"] = torch.tensor(0.0)
            for name in ("exp_avg", "exp_avg_sq", "rest"):
                state[name] = torch.zeros_like(value, memory_format=torch.preserve_format)
        return state


def _grads(parameters: list[torch.Tensor]) -> list[torch.Tensor]:
    return [value.grad for value in parameters if value.grad is not None]


def _add(
    values: list[torch.Tensor], rests: list[torch.Tensor], changes: list[torch.Tensor], by: float
) -> None:
    """Add ``by`` times the changes to the values. The rounding errors go to the rests."""
    torch._foreach_add_(rests, changes, alpha=by)
    before = [value.clone() for value in values]
    torch._foreach_add_(values, rests)
    torch._foreach_sub_(before, values)
    torch._foreach_add_(rests, before)
