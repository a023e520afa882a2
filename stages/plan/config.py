"""The config block of the stage `plan`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from pipeline.stage import StageConfig


class PlanConfig(StageConfig):
    """How large tiles are, and where objects lie in them."""

    seed: int = Field(0, description="Seed of every random choice.")
    min_side: int = Field(100, ge=16, description="The shortest side of a tile, in pixels.")
    max_side: int = Field(
        1000,
        le=8192,
        description="The longest side of a tile, in pixels; a source for which an area needs more "
        "is not used for it.",
    )
    min_extent: float = Field(
        5,
        ge=0,
        description="Pixels that an area's longer side must have in an image: a pond of 10 m is a "
        "single pixel of an image with a GSD of 10 m.",
    )
    object_side: tuple[int, int] = Field(
        (224, 512),
        description="The side of a tile around a point or a line is drawn between these pixels.",
    )
    shift: float = Field(
        0.25,
        ge=0,
        lt=0.5,
        description="How far an object may lie from the centre along each axis, in tile sides.",
    )
    centred_share: float = Field(
        0.2, ge=0, le=1, description="The share of objects that lie exactly in the centre."
    )
    gsd_slack: float = Field(
        1.0,
        ge=1,
        description="An image may be this many times coarser than a tag's maximum GSD. That scale "
        "has no step between 1 and 10 m, so imagery of 2 m shows some things that it excludes. "
        "Set it at the top level, because overlay uses it, too.",
    )
    max_candidates: int = Field(
        8, ge=1, description="How many scenes are listed for a tile: the drawn one and fall-backs."
    )

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        smallest, largest = self.object_side
        if not self.min_side <= smallest <= largest <= self.max_side:
            raise ValueError("sides must be min_side <= object_side <= max_side")
        return self
