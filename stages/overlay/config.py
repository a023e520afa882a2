"""The config block of the stage `overlay`."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import StageConfig


class OverlayConfig(StageConfig):
    """The minimum size of a neighbour in a tile, and the slack in GSD."""

    min_area: float = Field(
        default=16.0,
        ge=0,
        description="Name an area as a neighbour only if it covers at least this many square "
        "pixels of the tile.",
    )
    min_length: float = Field(
        default=8.0,
        ge=0,
        description="Name a line as a neighbour only if it runs through at least this many pixels "
        "of the tile.",
    )
    gsd_slack: float = Field(
        default=1.0,
        ge=1,
        description="Allow an image to be this many times coarser than a tag's maximum GSD. Set "
        "it at the top level, because plan uses the same key.",
    )
