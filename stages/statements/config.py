"""The config block of the stage `statements`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import StageConfig

KindName = Literal[
    "count",
    "direction",
    "distance",
    "cover",
    "relation",
    "crossing",
    "region",
    "referring",
    "attribute",
    "gsd",
    "season",
    "date",
    "ask_presence",
    "ask_absence",
    "ask_count",
    "ask_comparison",
    "ask_direction",
    "ask_inside",
    "ask_area",
    "not_present",
    "not_count",
    "not_direction",
    "not_relation",
    "not_attribute",
]


class StatementsConfig(StageConfig):
    """Which statements are made of each image."""

    kinds: tuple[KindName, ...] = Field(
        default=(),
        description="Make these kinds of statements. Those that begin with `ask_` are questions "
        "with answers, those with `not_` are false sentences with the true ones that they twist. "
        "`ask_absence` and `not_present` need the table `truth` (set `density.cell`). "
        "By default, none are made.",
    )
    per_kind: int = Field(
        default=4,
        ge=1,
        description="Make at most this many statements of each kind for an image.",
    )
    seed: int = Field(
        default=0, description="Seed the choice of the statements and of their wording."
    )
