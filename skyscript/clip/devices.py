"""Chooses the GPU or the CPU that a model runs on, and how its tensors lie in memory there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import InputError
from pipeline.stage import GpuUse
from pipeline.worker_process import worker_number
from skyscript.clip.source import ClipConfig, clip_installed

if TYPE_CHECKING:
    import torch


def require_device(device: str) -> None:
    """Raise `InputError` if this machine does not have the GPU that a config names."""
    import torch

    kind, _, number = device.partition(":")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise InputError(f"device {device}: torch cannot use it on this machine.")
    if kind != "cuda":
        return
    if not torch.cuda.is_available():
        raise InputError(f"device {device}: this machine has no GPU that torch can use.")
    if number and int(number) >= (count := torch.cuda.device_count()):
        raise InputError(f"device {device}: this machine has only {count} GPUs, numbered from 0.")


def choose_device() -> str:
    """Give the GPU of this process, or the CPU. Worker processes take the GPUs in turn."""
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    return f"cuda:{(worker_number() or 0) % torch.cuda.device_count()}"


def memory_format(device: str) -> torch.memory_format:
    """Give the memory format of pixels and of the weights of convolutions: channels-last on a GPU.

    Decoded pixels have it, and so have cuDNN's convolutions in half precision: nothing is
    transposed. This has not run on a GPU.
    """
    import torch

    return torch.channels_last if device.startswith("cuda") else torch.contiguous_format


def count_gpu_workers(config: ClipConfig) -> int | None:
    """Give the limit of processes that use a model: one for each GPU. None, on CPUs: no limit."""
    if config.device is not None:
        return 1 if config.device.startswith("cuda") else None
    if not clip_installed():
        return None
    import torch

    return torch.cuda.device_count() or None


def gpu_use(config: ClipConfig) -> GpuUse | None:
    """Give how a stage with a model uses GPUs; None: its config says that it uses a CPU."""
    if config.device is not None and not config.device.startswith("cuda"):
        return None
    return GpuUse(config.device is not None, count_gpu_workers(config) or 0)
