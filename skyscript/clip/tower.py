"""The image tower of a CLIP, made faster without another result: what is floor on the CPU.

Two ways, both exact up to the last digits of fp32. A vision transformer pools one token, so its
last block is computed for that token alone (a fifteenth of ViT-B-32's work goes).
And torch's compiler with frozen weights, which costs a minute and needs a C++ compiler, where so
many images come that it pays.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    Tower = Callable[[torch.Tensor], torch.Tensor]

log = logging.getLogger(__name__)

PAYS_FROM = 4e13
"""Parameters x tokens x images of a part: 9,000 images of ViT-B-32, 510 of ViT-L-14. The compiler
takes half a minute and saves 4 to 9 % of what is left of ViT-B-32's work: measured with AVX-512."""


def image_tower(model: Any) -> Tower:  # noqa: ANN401 - a model of open_clip's
    """Give what turns a batch of a model's pixels into vectors; weights are shared with it."""
    if not _pools_its_first_token(model):
        tower: Tower = model.encode_image
        return tower
    visual = model.visual
    shared = {id(tensor): tensor for tensor in (*visual.parameters(), *visual.buffers())}
    short = copy.deepcopy(visual, shared)
    short.transformer.resblocks[-1] = _first_token_block(short.transformer.resblocks[-1])
    short.output_tokens = False
    first: Tower = short
    return first


def _pools_its_first_token(model: Any) -> bool:  # noqa: ANN401
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer

    visual: Any = getattr(model, "visual", None)
    return (
        type(visual) is VisionTransformer
        and visual.attn_pool is None
        and visual.pool_type == "tok"
        and not getattr(visual, "output_tokens", False)
        and type(visual.transformer.resblocks[-1]) is ResidualAttentionBlock
        and visual.transformer.batch_first
    )


def _first_token_block(block: Any) -> Any:  # noqa: ANN401
    """Give a block that has only its first token's result: all others are looked at, not made."""
    from torch import nn

    class FirstToken(nn.Module):  # type: ignore[misc] # Any without torch
        def __init__(self) -> None:
            super().__init__()
            self.block = block

        def forward(self, x: torch.Tensor, attn_mask: None = None) -> torch.Tensor:  # noqa: ARG002
            normed = block.ln_1(x)
            seen, _ = block.attn(normed[:, :1], normed, normed, need_weights=False)
            first = x[:, :1] + block.ls_1(seen)
            whole: torch.Tensor = first + block.ls_2(block.mlp(block.ln_2(first)))
            return whole

    return FirstToken()


def worth_compiling(model: Any, images: int) -> bool:  # noqa: ANN401
    """Tell whether so many images repay the compiler's minute: by size, never by the clock."""
    if not _pools_its_first_token(model):
        return False
    size = sum(tensor.numel() for tensor in model.visual.parameters())
    tokens = len(model.visual.positional_embedding)
    return bool(size * tokens * images >= PAYS_FROM)


def compiled(tower: Tower, example: torch.Tensor) -> Tower:
    """Give the tower compiled for batches like ``example``; as it is where there is no compiler."""
    import torch
    from torch import _inductor

    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # that it finds no CUDA
    try:
        with (
            _inductor.config.patch(freezing=True, compile_threads=1),
            torch.inference_mode(),
        ):
            made: Tower = torch.compile(tower, dynamic=False)
            made(example)  # the compiler works at the first call
    except Exception as error:  # whatever is missing: a compiler, its headers, room for its files
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        log.info("the image tower is not compiled, which would be faster: %s", first[:200])
        return tower
    return made
