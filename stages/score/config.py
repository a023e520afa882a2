"""Options of scoring."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import EXECUTION
from skyscript.clip.pairs import PairSource
from skyscript.clip.worker import WorkerClipConfig


class ScoreConfig(WorkerClipConfig):
    """Which CLIP scores, and what the score is called."""

    name: str = Field(
        "CLIP_openai",
        pattern=r"^[A-Za-z0-9_.+-]+$",
        description="The scorer's name: the CSVs' column is similarity_<name>.",
    )
    phrases: bool = Field(
        False,
        description="Score each neighbour's phrase of title_multi_objects too, as a caption of its "
        "own: a column phrases_<name>, by which the filter can drop single phrases.",
    )
    check: int = Field(
        2,
        ge=0,
        description="Pairs of each part that are scored again the plain way, with open_clip's own "
        "transform in fp32; the part fails where they differ.",
        json_schema_extra=EXECUTION,
    )
    tolerance: float = Field(
        2e-3,
        gt=0,
        description="Most that the two ways may differ.",
        json_schema_extra=EXECUTION,
    )


OFF = "none"
"""In place of a model: the run is not scored."""


class RunScoreConfig(ScoreConfig):
    """The same of a run, which is scored only where its config names a model."""

    model: str = Field(
        OFF,
        description="An architecture of open_clip's (ViT-L-14, with `pretrained: openai`), "
        "`local-dir:FOLDER`, `hf-hub:OWNER/NAME`, `tiny` (knows simulated tiles only), or `none`: "
        "the run is not scored, and not filtered.",
        json_schema_extra=EXECUTION,
    )


class PairScoreConfig(PairSource, ScoreConfig):
    """The same for pairs from outside a run."""
