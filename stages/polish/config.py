"""Options of polish."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import StageConfig


class PolishConfig(StageConfig):
    """How many texts are asked for, and how they are asked for."""

    phrasings: int = Field(
        1, ge=1, le=20, description="Ask for this many texts of each distinct set of tags."
    )
    seed: int = Field(0, description="Seed the choice of a text for each image.")
    batch: int = Field(
        10, ge=1, le=100, description="Ask for the texts of this many sets of tags at once."
    )
