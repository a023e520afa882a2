"""The config block of the stage `plan`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from pipeline.stage import StageConfig
from skyscript.geo.bbox import Bbox


class PlanConfig(StageConfig):
    """How large tiles are, and where their objects lie in them."""

    seed: int = Field(0, description="Seed every random choice of this stage.")
    bbox: Bbox | None = Field(
        None,
        description="Centre the tile of a line on a node in this box: west, south, east, north, in "
        "degrees. Set it at the top level, because eligible uses the same key.",
    )
    min_side: int = Field(
        100, ge=16, description="Make the side of a tile at least this many pixels long."
    )
    max_side: int = Field(
        1000,
        le=8192,
        description="Make the side of a tile at most this many pixels long. An area that needs "
        "more is skipped for that source.",
    )
    min_extent: float = Field(
        5.0,
        ge=0,
        description="Do not take an area from a source in whose images its longer side would "
        "have fewer pixels than this. A pond of 10 m is visible as water, yet it is a single "
        "pixel of an image at 10 m. Set it at the top level, because eligible uses the same key.",
    )
    object_side: tuple[int, int] = Field(
        (224, 512),
        description="Draw the side of a tile around a point or a line between these two numbers "
        "of pixels. Set it at the top level, because eligible uses the same key.",
    )
    shift: float = Field(
        0.25,
        ge=0,
        lt=0.5,
        description="Move an object off the centre by at most this share of the tile's side, "
        "along each axis.",
    )
    centred_share: float = Field(
        0.2, ge=0, le=1, description="Leave this share of objects exactly in the centre."
    )
    gsd_slack: float = Field(
        1.0,
        ge=1,
        description="Allow an image to be this many times coarser than a tag's maximum GSD. The "
        "maximum GSDs are 0.1, 0.2, 0.6, 1 or 10 m, so imagery at 2 m shows some things whose "
        "maximum is 1 m. Set it at the top level, because eligible and overlay use the same key.",
    )
    max_candidates: int = Field(
        8,
        ge=1,
        description="Keep this many scenes for a tile: the drawn one and the scenes to fall back "
        "on.",
    )

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        smallest, largest = self.object_side
        if not self.min_side <= smallest <= largest <= self.max_side:
            raise ValueError("sides must be min_side <= object_side <= max_side")
        return self
