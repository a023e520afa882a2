"""Gives the weights of a CLIP in a checkpoint under the names of open_clip.

Sources of the rules: the training scripts of open_clip, SkyScript, RemoteCLIP, GeoRSCLIP and
FarSLIP (`state_dict` or `model`, with the prefixes of wrappers), Hugging Face's `CLIPModel`, and
LongCLIP, whose text tower has two position tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import InputError

Weights = dict[str, Any]
"""Tensors by name."""

_NESTED = ("state_dict", "model", "model_state_dict", "module", "net", "clip", "weights")
"""Where training scripts put a model's weights in a checkpoint, in the order of preference."""
_MOST_NESTED = 3
_WRAPPERS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
"""What torch's wrappers insert anywhere in a name."""
_SCALE = "logit_scale"
"""Every CLIP has this weight, so its name tells the prefix of all others."""
_NO_WEIGHTS = frozenset(("input_resolution", "context_length", "vocab_size"))
"""Settings that OpenAI's archives store among the weights."""
LONG_KEPT = 20
"""The number of positions that LongCLIP takes from its first table; the second has the others."""

_FACE = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_projection.weight": "text_projection",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "visual_projection.weight": "visual.proj",
    "logit_scale": "logit_scale",
}
_FACE_PARTS = (
    (r"^text_model\.final_layer_norm\.", "ln_final."),
    (r"^vision_model\.pre_layrnorm\.", "visual.ln_pre."),
    (r"^vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"^vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
    (r"\.layer_norm1\.", ".ln_1."),
    (r"\.layer_norm2\.", ".ln_2."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
)
_QUERY = re.compile(r"^(.*)\.self_attn\.q_proj\.(weight|bias)$")


def clip_weights(path: Path, content: Mapping[str, Any]) -> Weights:
    """Give the tensors of the CLIP in a checkpoint, under the names of open_clip.

    Raises `InputError` if there is no CLIP, if there are several, or if a weight is not finite.
    """
    weights = _without_prefix(path, _tensors_of(path, content))
    if "text_model.embeddings.token_embedding.weight" in weights:
        weights = _from_hugging_face(weights)
    weights = {
        name: value
        for name, value in weights.items()
        if name not in _NO_WEIGHTS and not name.endswith(".position_ids")
    }
    _require_finite(path, weights)
    return _with_long_table(path, weights)


def _tensors_of(path: Path, content: Mapping[str, Any], depth: int = 0) -> Weights:
    """Give the tensors of the first block of a checkpoint that contains a CLIP."""
    for place in ("", *_NESTED):
        block = content if not place else content.get(place)
        if not isinstance(block, Mapping):
            continue
        named = {str(name): value for name, value in block.items() if _is_tensor(value)}
        if any(name.endswith(_SCALE) for name in named):
            for wrapper in _WRAPPERS:
                named = {name.replace(wrapper, ""): value for name, value in named.items()}
            return named
        is_nested = any(isinstance(block.get(inner), Mapping) for inner in _NESTED)
        if place and is_nested and depth < _MOST_NESTED:
            return _tensors_of(path, block, depth + 1)
    some = ", ".join(map(str, list(content)[:6])) or "nothing"
    raise InputError(
        f"{path}: contains no weights of a CLIP: none is called {_SCALE}. It contains {some} …"
    )


def _is_tensor(value: object) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _without_prefix(path: Path, weights: Weights) -> Weights:
    """Remove the prefix that the wrappers of a training script put before all names."""
    prefixes = [name.removesuffix(_SCALE) for name in weights if name.endswith(_SCALE)]
    if len(prefixes) > 1:
        raise InputError(
            f"{path}: contains {len(prefixes)} models ({', '.join(map(repr, prefixes))}), and it "
            "does not say which is meant. Save the state_dict() of one."
        )
    (prefix,) = prefixes
    return {
        name.removeprefix(prefix): value
        for name, value in weights.items()
        if name.startswith(prefix)
    }


def _require_finite(path: Path, weights: Weights) -> None:
    """Raise `InputError` that names the weights which are NaN or infinite."""
    import torch

    wrong = [
        name
        for name, value in weights.items()
        if value.is_floating_point() and not bool(torch.isfinite(value).all())
    ]
    if wrong:
        raise InputError(
            f"{path}: {len(wrong)} of {len(weights)} weights have values that are NaN or infinite "
            f"({', '.join(wrong[:3])}): the training diverged, or the file is damaged. Take an "
            "earlier checkpoint."
        )


def _with_long_table(path: Path, weights: Weights) -> Weights:
    """Give LongCLIP's two position tables as the one table that its text tower adds."""
    import torch

    second = weights.pop("positional_embedding_res", None)
    if second is None:
        return weights
    first = weights.get("positional_embedding")
    if first is None or first.shape != second.shape:
        raise InputError(f"{path}: its two position tables of LongCLIP have different shapes.")
    weights["positional_embedding"] = torch.cat([first[:LONG_KEPT], second[LONG_KEPT:]])
    return weights


def _from_hugging_face(weights: Weights) -> Weights:
    """Give the weights of Hugging Face's `CLIPModel` under the names of open_clip."""
    return dict(_renamed(weights))


def _renamed(weights: Weights) -> Iterator[tuple[str, Any]]:
    import torch

    for name, value in weights.items():
        if name in _FACE:
            is_projection = name in ("text_projection.weight", "visual_projection.weight")
            yield _FACE[name], value.T.contiguous() if is_projection else value
        elif match := _QUERY.match(name):
            block, kind = match.groups()
            parts = [weights.get(f"{block}.self_attn.{part}_proj.{kind}") for part in "qkv"]
            if all(part is not None for part in parts):
                yield f"{_block_name(block)}.attn.in_proj_{kind}", torch.cat(parts)
        elif not re.search(r"\.self_attn\.[kv]_proj\.", name):
            yield _block_name(name), value


def _block_name(name: str) -> str:
    for pattern, ours in _FACE_PARTS:
        name = re.sub(pattern, ours, name)
    return name
