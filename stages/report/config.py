"""Options of the report."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import StageConfig


class ReportConfig(StageConfig):
    """The content of the page."""

    seed: int = Field(0, description="Seed the random draw of the tiles in the gallery.")
    gallery: int = Field(48, ge=0, le=1000, description="Show this many tiles in the gallery.")
    title: str = Field("A SkyScript dataset", description="Give the page this title.")
