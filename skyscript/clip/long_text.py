"""Lengthens the context of a CLIP's text tower, as LongCLIP does before it is trained on.

Zhang et al., Long-CLIP (ECCV 2024): the first 20 positions, which short captions train well, stay
as they are. The others are stretched by linear interpolation, and the last step is extended at the
end. A context of 77 tokens becomes one of 248 in steps of exactly a quarter.
"""

from __future__ import annotations

from typing import Any

import torch

from pipeline.errors import InputError
from skyscript.clip.checkpoint.state_dict import LONG_KEPT


def stretch_positions(table: torch.Tensor, length: int) -> torch.Tensor:
    """Give a table of ``length`` positions, made from a shorter one: positions x width."""
    count = len(table)
    step = (count - LONG_KEPT) / (length - LONG_KEPT)
    at = LONG_KEPT + torch.arange(length - LONG_KEPT, dtype=torch.float64) * step
    before = at.long().clamp(max=count - 2)
    part = (at - before)[:, None]
    values = table.double()
    stretched = values[before] * (1 - part) + values[before + 1] * part
    return torch.cat([table[:LONG_KEPT], stretched.to(table.dtype)])


def lengthen_context(model: Any, length: int, name: str) -> None:  # noqa: ANN401 - of open_clip's
    """Lengthen the context of a model in place to ``length`` tokens, unless it has that length.

    Raises `InputError` if its context is longer, or if its text tower has no table of positions.
    """
    tower = getattr(model, "text", model)
    table = getattr(tower, "positional_embedding", None)
    if table is None or table.ndim != 2 or getattr(tower, "cls_emb", None) is not None:
        raise InputError(
            f"context_length: the text tower of {name} has no table of positions that can be "
            "stretched."
        )
    count = len(table)
    if count == length:
        return
    if count > length or count < LONG_KEPT + 2:
        raise InputError(
            f"context_length {length}: the context of {name} has {count} tokens; it can only "
            f"become longer, and from {LONG_KEPT + 2} tokens on."
        )
    stretched = stretch_positions(table.detach(), length)
    tower.positional_embedding = torch.nn.Parameter(stretched)
    for part in {tower, model}:
        part.context_length = length
    if hasattr(tower, "num_pos"):
        tower.num_pos = length
    if tower.attn_mask is not None:
        tower.attn_mask = torch.full((length, length), -torch.inf, device=table.device).triu_(1)
