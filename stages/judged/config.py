"""Options of judge."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import StageConfig
from skyscript.captions.captioned import Column


class JudgedConfig(StageConfig):
    """The sample to judge, and what is reported of it."""

    what: Literal["captions", "statements"] = Field(
        "captions", description="Judge the captions of the images, or the statements on them."
    )
    sample: int = Field(1000, ge=10, description="Judge this many captions or statements.")
    seed: int = Field(0, description="Seed the random draw of the sample.")
    caption: Column = Field("title", description="Judge this caption of an image.")
    confidence: float = Field(
        0.95,
        gt=0.5,
        lt=1,
        description="Give intervals that contain the true precision with this probability.",
    )
    wanted: float = Field(
        0.8,
        gt=0,
        lt=1,
        description="Suggest another label for a tag if the tag is certainly right in less than "
        "this share of the images or statements that show it.",
    )
