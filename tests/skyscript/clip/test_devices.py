"""A device that a config names, and that this machine may not have."""

import pytest
import torch
from pydantic import ValidationError

from pipeline.errors import InputError
from skyscript.clip.devices import require_device
from skyscript.clip.source import TINY, ClipConfig


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1", "mps"])
def test_the_devices_of_torch_that_are_supported_can_be_named(device: str) -> None:
    assert ClipConfig(model=TINY, device=device).device == device


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:-1", "cpu:2", "meta", ""])
def test_no_other_can(device: str) -> None:
    with pytest.raises(ValidationError, match="device"):
        ClipConfig(model=TINY, device=device)


def test_a_gpu_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="device cuda:1: this machine has no GPU that torch can"):
        require_device("cuda:1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    require_device("cuda:1")
    with pytest.raises(InputError, match="device cuda:2: this machine has only 2 GPUs"):
        require_device("cuda:2")
