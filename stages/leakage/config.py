"""Options of leakage."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import EXECUTION, ConfigPath
from skyscript.clip.worker import WorkerClipConfig

Kind = Literal["bytes", "pixels", "near", "place", "vector"]
OFF = "none"
"""This value of `model` disables the comparison of vectors."""


class LeakageConfig(WorkerClipConfig):
    """When two images count as the same, and which of them are left out."""

    captions: tuple[ConfigPath, ...] = Field(
        (),
        description="Compare only the images that these captions files of the run name. By "
        "default, all images of the run are compared.",
    )
    correlation: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Call two images near-duplicates if their pixels correlate at least this much "
        "where they show the same, laid over each other.",
    )
    apart: float = Field(
        0.0,
        ge=0,
        description="Call two images of the same place if their boxes are at most this many metres "
        "apart. With 0, they must overlap.",
    )
    similarity: float = Field(
        0.97,
        gt=0,
        le=1,
        description="Report two images if the cosine of their CLIP vectors is at least this. It "
        "needs `model`.",
    )
    leave_out: tuple[Kind, ...] = Field(
        ("bytes", "pixels", "near", "place"),
        description="List the images of these kinds of pairs in leave_out.csv, which `skyscript "
        "filter --leave-out` reads. A similar vector alone is no proof of a copy.",
    )
    model: str = Field(
        OFF,
        description="Also compare the vectors of this CLIP: an architecture of open_clip, "
        "`local-dir:FOLDER`, `hf-hub:OWNER/NAME`, or `tiny`. With `none`, no vectors are compared.",
        json_schema_extra=EXECUTION,
    )
