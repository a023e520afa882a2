"""Options of the builder."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import ConfigPath, StageConfig


class ClassificationConfig(StageConfig):
    """How many classes of how many images, and what the training set must not share with them."""

    seed: int = Field(0, description="Of the draw of blocks and of images.")
    classes: int = Field(70, ge=2, description="Classes; exactly so many.")
    per_class: int = Field(100, ge=1, description="Images of a class; exactly so many.")
    hold_out: Literal["blocks", "objects"] = Field(
        "blocks",
        description="What training loses: whole blocks of the Earth, so that it sees nothing near "
        "the set; or the objects, and with them every image of the same ground.",
    )
    block: float = Field(0.1, gt=0, le=90, description="Side of a block, in degrees.")
    max_held_out: float = Field(
        0.1, gt=0, le=0.9, description="At most this share of the run's images may be drawn from."
    )
    trained_on: tuple[ConfigPath, ...] = Field(
        (),
        description="Captions files that a model was trained on already: then nothing is drawn, "
        "and the set is made of what shares neither object nor ground with them.",
    )
    ambiguous: Literal["exclude", "focus"] = Field(
        "exclude",
        description="An image in which several of the classes can be seen is left out; or only "
        "what its focus object shows counts.",
    )
    images: Literal["link", "copy"] = Field(
        "link", description="Hard links to the run's images where the disk allows it, or copies."
    )
