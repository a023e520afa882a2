"""The config block of the stage `align`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import StageConfig


class AlignConfig(StageConfig):
    """When the images of a scene agree on a shift, and what is done about it."""

    shifts: Literal["report", "correct"] = Field(
        "report",
        description="Only report the shifts of scenes (`report`), or move the box of each image by "
        "the shift of its scene, so that the metas describe what the image shows (`correct`).",
    )
    min_confidence: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Use only images whose shift is right with at least this probability.",
    )
    min_images: int = Field(
        5, ge=1, description="Find no shift for a scene with fewer images of this kind."
    )
    max_spread: float = Field(
        1.0,
        gt=0,
        description="Say that images agree on a shift if at least half of them have a shift that "
        "is at most this many metres from it.",
    )
