"""The config block of the stage `statements`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import StageConfig


class StatementsConfig(StageConfig):
    """Which statements are made of each image."""

    kinds: tuple[Literal["count", "direction", "cover", "relation", "region"], ...] = Field(
        default=(),
        description="Make these kinds of statements. By default, none are made.",
    )
    per_kind: int = Field(
        default=4,
        ge=1,
        description="Make at most this many statements of each kind for an image.",
    )
    seed: int = Field(
        default=0, description="Seed the choice of the statements and of their wording."
    )
