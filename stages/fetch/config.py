"""The config block of the stage `fetch`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pipeline.stage import StageConfig
from skyscript.backends.registry import Sources


class FetchConfig(StageConfig):
    """How tiles become image files."""

    sources: Sources = Field({})
    max_nodata: float = Field(
        0.05,
        ge=0,
        le=1,
        description="The share of a tile that may lack data; above it the next scene is tried.",
    )
    jpeg_quality: int = Field(90, ge=1, le=100, description="Quality of the JPEGs.")

    def identity(self) -> dict[str, Any]:
        """Leave out the fields that only choose scenes: the table of scenes records the choice."""
        cutting = {alias: source.cutting() for alias, source in self.sources.items()}
        return super().identity() | {"sources": cutting}
