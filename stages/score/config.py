"""The options for scoring."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.stage import EXECUTION
from skyscript.clip.pairs import PairSource
from skyscript.clip.source import name_with_weights
from skyscript.clip.worker import WorkerClipConfig


def _name_scorer(given: Mapping[str, Any]) -> str:
    """Name a scorer by its weights: ``CLIP_openai``, as published, for OpenAI's; ``CLIP_tiny``."""
    model, weights = str(given.get("model")), Path(given.get("pretrained") or "")
    if weights.suffix or len(weights.parts) > 1:  # a checkpoint file, not a tag
        name = weights.stem
    else:
        name = name_with_weights(model) or weights.name or model
    return "CLIP_" + re.sub(r"[^A-Za-z0-9_.+-]", "_", name)


class ScoreConfig(WorkerClipConfig):
    """The CLIP that scores, and the name of the score."""

    name: str = Field(
        default_factory=_name_scorer,
        pattern=r"^[A-Za-z0-9_.+-]+$",
        description="Name the scorer: its column in the CSVs is similarity_<name>. By default, it "
        "is CLIP_ and the name of the weights: CLIP_openai, as published.",
    )
    phrases: bool = Field(
        False,
        description="Also score each neighbour's phrase of title_multi_objects as a separate "
        "caption. The column phrases_<name> lets the filter drop single phrases.",
    )
    check: int = Field(
        2,
        ge=0,
        description="Score this many pairs of each part a second time in fp32, with open_clip's "
        "own transform. The part fails if the scores differ.",
        json_schema_extra=EXECUTION,
    )
    tolerance: float = Field(
        2e-3,
        gt=0,
        description="Let the two scores of `check` differ by at most this.",
        json_schema_extra=EXECUTION,
    )


OFF = "none"
"""This value of `model` disables scoring."""


class RunScoreConfig(ScoreConfig):
    """The options in a run, which is scored only if its config names a model."""

    model: str = Field(
        OFF,
        description="Score with this model: an architecture of open_clip (ViT-L-14, with "
        "`pretrained: openai`), `local-dir:FOLDER`, `hf-hub:OWNER/NAME`, or `tiny`, which knows "
        "only simulated tiles. With `none`, no pair is scored or filtered.",
        json_schema_extra=EXECUTION,
    )


class PairScoreConfig(PairSource, ScoreConfig):
    """The options for pairs from outside a run."""
