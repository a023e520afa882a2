"""Encodes short texts faster, and tells which texts are too long for a model.

Short texts: the tokens after the end token are not computed.

They have no effect in a causal text tower. SkyScript's captions have about 12 tokens, a context 77.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def causal_tower(model: Any, tokenizer: Any) -> Any | None:  # noqa: ANN401 - of open_clip's
    """Give the text tower if tokens after the end token have no effect, else None."""
    tower = getattr(model, "text", model)
    pool = getattr(tower, "text_pool_type", getattr(tower, "pool_type", ""))
    causal = getattr(tower, "attn_mask", None) is not None and pool in {"argmax", "eos"}
    extra = getattr(tower, "cls_emb", None) is not None or getattr(tower, "use_pad_mask", False)
    plain = type(tokenizer).__name__ == "SimpleTokenizer"  # its end token has the highest number
    return tower if causal and plain and not extra else None


def encode_truncated(tower: Any, tokens: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
    """Encode texts as open_clip's text tower does, with fewer tokens than its context."""
    import torch

    length = tokens.shape[1]
    kind = tower.transformer.get_cast_dtype()
    x = tower.token_embedding(tokens).to(kind) + tower.positional_embedding[:length].to(kind)
    # A copy: its layout does not tell its length, so one compiled program serves all lengths.
    mask = tower.attn_mask[:length, :length].clone(memory_format=torch.contiguous_format)
    x = tower.ln_final(tower.transformer(x, attn_mask=mask))
    pooled = x[torch.arange(len(x), device=x.device), tokens.argmax(-1)]
    projection = tower.text_projection
    if projection is not None:
        linear = isinstance(projection, torch.nn.Module)
        pooled = projection(pooled) if linear else pooled @ projection
    assert isinstance(pooled, torch.Tensor)
    return pooled


def find_cut(texts: Iterable[str], tokenizer: Any) -> set[str]:  # noqa: ANN401 - of open_clip's
    """Give the texts that have more tokens than the context: the model does not see their end.

    The tokenizers of open_clip keep the end token when they cut a text.
    """
    context = tokenizer.context_length
    # A token has at least one byte, so most texts need not be counted.
    long = {text for text in texts if len(text.encode()) + _ENDS > context}
    return {text for text in long if _count_tokens(text, tokenizer) > context}


_ENDS = 2
"""The tokens that a tokenizer adds: at most the beginning and the end."""


def _count_tokens(text: str, tokenizer: Any) -> int:  # noqa: ANN401
    inner = getattr(tokenizer, "tokenizer", None)  # of Hugging Face
    if inner is None:
        return len(tokenizer.encode(text)) + _ENDS
    clean = getattr(tokenizer, "clean_fn", str)
    return len(inner(clean(text), truncation=False, verbose=False).input_ids)


def describe_cut(count: int, total: int, what: str) -> str:
    """Give the sentence that says how many texts are too long for a model."""
    return (
        f"{count:,} of {total:,} {what} are longer than the model's context (77 tokens in "
        "CLIP): it does not see their end"
    )
