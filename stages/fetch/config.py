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
    max_blank: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Accept a tile if at most this share of it is a black or white area that "
        "nothing declares as missing: a collar, a masked area, a blank tile. 1 accepts any.",
    )
    max_cloud_share: float = Field(
        0.7,
        ge=0,
        le=1,
        description="Accept a tile if at most this share of it looks like cloud: bright, grey and "
        "even. 1 accepts any.",
    )
    max_broken_cloud: float = Field(
        0.4,
        ge=0,
        le=1,
        description="Accept a tile of 5 m or coarser if small clouds lie over at most this share "
        "of it: bright, grey and smooth, over ground that has a colour. Snow with patches of "
        "ground looks the same. 1 accepts any.",
    )
    max_haze: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Accept a tile if a grey veil makes at most this share of its light. 1 accepts "
        "any.",
    )
    min_sharpness: float = Field(
        0.12,
        ge=0,
        le=1,
        description="Accept a tile if its fine detail is at least this share of its coarse detail: "
        "0.2 to 0.5 in sharp images, 0.1 where pixels were enlarged four times. 0 accepts any.",
    )
    jpeg_quality: int = Field(90, ge=1, le=100, description="Write JPEGs of this quality.")

    def limits(self) -> tuple[float, ...]:
        """Give the limits on what the pixels show."""
        return (
            self.max_blank,
            self.max_cloud_share,
            self.max_broken_cloud,
            self.max_haze,
            self.min_sharpness,
        )

    def identity(self) -> dict[str, Any]:
        """Leave out the fields that only choose scenes: the table of scenes records the choice."""
        cutting = {alias: source.cutting() for alias, source in self.sources.items()}
        return super().identity() | {"sources": cutting}
