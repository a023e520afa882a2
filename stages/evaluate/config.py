"""Options of an evaluation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import EXECUTION, ConfigPath
from skyscript.clip.model import Precision
from skyscript.clip.source import ClipConfig

Protocol = Literal["fp32", "original"]
PRECISION: dict[Protocol, Precision] = {"fp32": "fp32", "original": "amp"}


class EvaluateConfig(ClipConfig):
    """Which model, on which benchmarks, by which protocol."""

    pretrained: str | None = Field(
        None,
        description="Weights: a tag of open_clip's, or a checkpoint file; a folder has its own.",
        json_schema_extra=EXECUTION,
    )
    benchmarks: ConfigPath = Field(description="The root under which benchmarks lie as published.")
    sets: tuple[str, ...] | None = Field(
        None,
        description="Sets, groups of them (scene, fine_grained, retrieval) or folders of your own; "
        "none: all published ones that are there.",
    )
    skyscript: ConfigPath | None = Field(
        None,
        description="The published dataset's folder, for its own retrieval test: images2 ... and "
        "the test CSV. None: SkyScript under the root.",
    )
    protocol: Protocol = Field(
        "fp32",
        description="fp32 throughout, or the published half precision.",
    )
    name: str | None = Field(None, description="What the model is called in tables.")
    batch_size: int = Field(
        64,
        ge=1,
        description="Images that go through the model at once.",
        json_schema_extra=EXECUTION,
    )
    workers: int | None = Field(
        None,
        ge=1,
        description="Threads that read and decode images; none: 4 on a CPU, and beside a GPU "
        "processes instead.",
        json_schema_extra=EXECUTION,
    )
