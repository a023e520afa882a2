"""Training whose weights, gradients and optimiser state are split over all processes (FSDP2).

Each process holds a part of every tensor. The blocks of the towers are gathered one after another,
when they compute. Checkpoints hold whole tensors, so a training may go on with another number of
processes, or without sharding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from skyscript.clip.blocks import find_blocks
from stages.train.adapter import Place


def shard_towers(towers: nn.Module, model: Any, place: Place) -> None:  # noqa: ANN401
    """Split the parameters of the towers over all processes, in place.

    The logit scale and bias are single numbers, which FSDP2 does not split: each process has them.
    """
    mesh = init_device_mesh(place.device.partition(":")[0], (place.world,))
    for block in find_blocks(model):
        fully_shard(block, mesh=mesh)
    fully_shard(towers, mesh=mesh, ignored_params=set(unsharded(model)))


def unsharded(model: nn.Module) -> list[nn.Parameter]:
    """Give the parameters that each process has whole."""
    return [value for value in model.parameters() if value.ndim == 0]


def average_unsharded(model: nn.Module) -> None:
    """Average the gradients of these parameters over all processes, as FSDP2 does the others'."""
    for value in unsharded(model):
        if value.grad is not None:
            distributed.all_reduce(value.grad)
            value.grad /= distributed.get_world_size()


def clip_gradients(values: Sequence[nn.Parameter], limit: float) -> None:
    """Scale the gradients of parameters so that their common norm is at most the limit."""
    gradients = [value.grad for value in values if value.grad is not None]
    if not any(isinstance(gradient, DTensor) for gradient in gradients):
        torch.nn.utils.clip_grad_norm_(values, limit)
        return
    parts = [local(gradient) for gradient in gradients]
    split = torch.zeros((), device=parts[0].device)
    whole = split.clone()
    for gradient, part in zip(gradients, parts, strict=True):
        total = split if isinstance(gradient, DTensor) else whole
        total += part.float().square().sum()
    distributed.all_reduce(split)
    torch._foreach_mul_(parts, (limit / ((split + whole).sqrt() + 1e-6)).clamp(max=1.0))


class PartsScaler(torch.amp.GradScaler):  # type: ignore[misc]  # torch is not typed here
    """Scales the loss of fp16, for gradients of which each process has a part.

    If one process finds a gradient that is not finite, all leave the step out. torch's own scaler
    does not take whole tensors (the logit scale) and parts of tensors together.
    """

    def _unscale_grads_(
        self,
        optimizer: torch.optim.Optimizer,
        inv_scale: torch.Tensor,
        found_inf: torch.Tensor,
        allow_fp16: bool,  # noqa: ARG002 - torch's signature
    ) -> dict[torch.device, torch.Tensor]:
        values = [value for group in optimizer.param_groups for value in group["params"]]
        parts = [local(value.grad) for value in values if value.grad is not None]
        torch._amp_foreach_non_finite_check_and_unscale_(parts, found_inf, inv_scale)
        distributed.all_reduce(found_inf, distributed.ReduceOp.MAX)
        return {found_inf.device: found_inf}


def local(value: torch.Tensor) -> torch.Tensor:
    """Give this process's part of a tensor, in the same memory."""
    return value.to_local() if isinstance(value, DTensor) else value


def gather_whole(values: Any) -> Any:  # noqa: ANN401 - a state of torch's
    """Give a state with whole tensors in the place of parts. All processes must call it."""
    if isinstance(values, DTensor):
        return values.full_tensor()
    if isinstance(values, Mapping):
        return {key: gather_whole(value) for key, value in values.items()}
    return values


def load_model(model: nn.Module, whole: Mapping[str, torch.Tensor]) -> None:
    """Load whole weights into a model, or this process's part of them."""
    held = model.state_dict()
    model.load_state_dict(
        {
            name: _part_like(held[name], value) if name in held else value
            for name, value in whole.items()
        }
    )


def load_optimiser(optimiser: torch.optim.Optimizer, whole: Mapping[str, Any]) -> None:
    """Load the whole state of an optimiser, or this process's part of it."""
    values = [value for group in optimiser.param_groups for value in group["params"]]
    state = {
        number: {
            name: _part_like(values[number], stored)
            if _has_shape(stored, values[number])
            else stored
            for name, stored in of.items()
        }
        for number, of in whole["state"].items()
    }
    optimiser.load_state_dict({**whole, "state": state})


def _has_shape(stored: Any, of: torch.Tensor) -> bool:  # noqa: ANN401
    return isinstance(stored, torch.Tensor) and stored.shape == of.shape


def _part_like(held: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    """Give the part of a whole tensor that this process holds of another one."""
    if not isinstance(held, DTensor):
        return whole
    mesh = held.device_mesh
    # Each process has the whole tensor: none has to send it.
    return distribute_tensor(whole.to(held.device), mesh, held.placements, src_data_rank=None)
