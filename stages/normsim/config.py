"""Options of normsim."""

from __future__ import annotations

from pydantic import Field

from skyscript.clip.worker import WorkerClipConfig


class NormSimConfig(WorkerClipConfig):
    """The model of the target images, and the rounds of NormSim-2D."""

    vectors: str | None = Field(
        None,
        description="Read the vectors of this folder below embeddings/, for example "
        "CLIP_tiny-0123abcd. This option is required if the scores name several folders.",
    )
    rounds: int = Field(
        10,
        ge=1,
        description="Let NormSim-2D remove images in this many rounds; each reads all vectors "
        "once. More rounds follow the published method more closely.",
    )
    keep: int = Field(
        20,
        ge=1,
        le=100,
        description="Let NormSim-2D end when this percentage of the images is left.",
    )
