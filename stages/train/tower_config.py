"""Options of the model that is trained: its weights, and which of them stay locked."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from pipeline.stage import EXECUTION, StageConfig
from skyscript.clip.source import QuickGelu

LOCKS = ("lock_image", "lock_image_unlocked_groups", "lock_text", "lock_text_unlocked_layers")


class TowerConfig(StageConfig):
    """The model to train."""

    model: str = Field(
        "ViT-L-14",
        description="Train this model: an architecture of open_clip, local-dir:FOLDER, "
        "hf-hub:OWNER/NAME, or tiny.",
    )
    pretrained: str | None = Field(
        None,
        description="Start from these weights: a tag that open_clip knows, or a file. By default, "
        "the weights are random.",
    )
    context_length: int | None = Field(
        None,
        ge=1,
        description="Lengthen the context of the text tower to this many tokens, as LongCLIP does "
        "(248): the first 20 positions stay, the others are interpolated.",
    )
    quick_gelu: QuickGelu = Field(
        "auto", description="Use OpenAI's activation. Models trained from its weights need it."
    )
    lock_image: bool = Field(
        False,
        description="Lock the image tower: training leaves it as it is (LiT).",
    )
    lock_image_unlocked_groups: int = Field(
        0,
        ge=0,
        description="Train the last N groups of layers of a locked image tower. The groups of a "
        "ViT are, from its end: the projection, each block, the embeddings.",
    )
    lock_text: bool = Field(False, description="Lock the text tower: training leaves it as it is.")
    lock_text_unlocked_layers: int = Field(
        0,
        ge=0,
        description="Train the last N groups of layers of a locked text tower: the projection, "
        "each block, the embeddings.",
    )
    grad_checkpointing: bool = Field(
        False,
        description="Compute activations again in the backward pass: less memory, more time.",
        json_schema_extra=EXECUTION,
    )
    compile: bool = Field(
        False,
        description="Compile the blocks of the towers with torch.compile, which takes "
        "time at the start. The loss differs by rounding.",
        json_schema_extra=EXECUTION,
    )

    @model_validator(mode="after")
    def _check_locks(self) -> Self:
        groups, layers = self.lock_image_unlocked_groups, self.lock_text_unlocked_layers
        if groups and not self.lock_image:
            raise ValueError("lock_image_unlocked_groups needs lock_image")
        if layers and not self.lock_text:
            raise ValueError("lock_text_unlocked_layers needs lock_text")
        if self.lock_image and self.lock_text and not groups and not layers:
            raise ValueError("lock_image and lock_text leave nothing to train: lock one of them")
        return self
