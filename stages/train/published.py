"""How SkyCLIP was trained, and where a training differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.stage import StageConfig

SKYCLIP_FIXED: Mapping[str, Any] = {
    "optimizer": "adamw",
    "loss": "clip",
    "same_text": "negative",
    "batches": "shuffled",
    "gather": "own-rank",
    "image_interpolation": "random",
    "lr_scheduler": "cosine",
    "caption_weights": None,
    "hard_negatives": 0,
    "context_length": None,
}
"""Behaviour of the published code that no option could change."""

SKYCLIP_OPTIONS: Mapping[str, Any] = {
    "model": "ViT-L-14",
    "pretrained": "openai",
    "precision": "amp",
    "random_rotation": True,
    "aug_cfg": {
        "use_timm": True,
        "color_jitter": 0.4,
        "scale": (0.67, 1.0),
        "ratio": (0.5, 2.0),
    },
    "batch_size": 128,
    "epochs": 20,
    "warmup": 1000,
    "wd": 1.0,
    "save_frequency": 1,
    "val_frequency": 1,
}
"""Options of the published command."""

SKYCLIP_RATES: Mapping[str, float] = {"ViT-L-14": 3e-9, "ViT-B-32": 1e-9}


def describe_differences(config: StageConfig) -> str:
    """Describe where the options differ from what the published code does; empty if nowhere."""
    others = [
        f"{key} {getattr(config, key)} (published: {value})"
        for key, value in SKYCLIP_FIXED.items()
        if getattr(config, key) != value
    ]
    if not others:
        return ""
    return (
        f"this training differs from the published one in {'; '.join(others)}. The reasons are in "
        "docs/training.md. `--protocol skyclip` trains as published."
    )
