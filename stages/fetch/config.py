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
        description="Accept a tile if at most this share of it has no data. Otherwise the next "
        "scene is tried.",
    )
    jpeg_quality: int = Field(90, ge=1, le=100, description="Write JPEGs of this quality.")

    def identity(self) -> dict[str, Any]:
        """Leave out the fields that only choose scenes: the table of scenes records the choice."""
        cutting = {alias: source.cutting() for alias, source in self.sources.items()}
        return super().identity() | {"sources": cutting}
