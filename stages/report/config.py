"""Options of the report."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import StageConfig


class ReportConfig(StageConfig):
    """The content of the report."""

    seed: int = Field(0, description="Seed the random order of the pairs in the report's gallery.")
    gallery: int = Field(
        100_000,
        ge=0,
        le=500_000,
        description="Show at most this many pairs in the gallery; if there are more, they are "
        "drawn at random. The counts are of all pairs.",
    )
    dropped: int = Field(
        20_000,
        ge=0,
        le=500_000,
        description="Show at most this many objects without a pair in the gallery, each with the "
        "reason, and no more than `gallery`; if there are more, they are drawn at random.",
    )
    title: str = Field("A SkyScript dataset", description="Give the page this title.")
