"""Compiles the blocks of a tower with torch.compile. The weights keep their names.

All blocks of a tower have the same code and shapes, so each is compiled from the first one's code:
a tower of 24 blocks costs no more than one of two. Blocks with batch norms are left as they are,
because those of a training in several processes exchange their statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError
from skyscript.clip.blocks import find_blocks
from skyscript.clip.checkpoint.reading import first_line

if TYPE_CHECKING:
    import torch
    from torch import nn


def require_compiler(device: str) -> None:
    """Raise `ConfigError` if torch.compile does not work on this machine."""
    import torch
    from torch._inductor import config

    try:
        with config.patch(force_disable_caches=True):
            torch.compile(_probe, dynamic=False)(torch.ones(8, device=device))
    except Exception as error:  # torch raises many classes
        needed = "Triton" if device.startswith("cuda") else "a C++ compiler and Python's headers"
        raise ConfigError(
            f"compile: torch.compile does not work on this machine ({first_line(error)}). It needs "
            f"{needed}. Without compile, everything else works."
        ) from error


def _probe(values: torch.Tensor) -> torch.Tensor:
    return values.sin() + 1


def compile_towers(image: nn.Module, model: Any) -> None:  # noqa: ANN401 - of open_clip's
    """Compile the blocks of an image tower, and those of the text tower of a model, in place.

    Images have one shape, for which the program is made. Texts of all lengths share a program.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    text = getattr(model, "text", None) or model.transformer
    for tower, has_many_shapes in ((image, False), (text, True)):
        for block in find_blocks(tower):
            if not any(isinstance(part, _BatchNorm) for part in block.modules()):
                block.compile(dynamic=has_many_shapes)
