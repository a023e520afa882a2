"""Options of train-filter."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.stage import ConfigPath, StageConfig

Percent = Annotated[int, Field(ge=1, le=100)]


class TrainFilterConfig(StageConfig):
    """Which pairs are trusted enough to train the filter CLIP, and which cuts are compared."""

    match_by: Literal["match", "match_confidence"] = Field(
        "match_confidence",
        description="Trust pairs by this column of how well the map lies on the image.",
    )
    match_quantile: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="Trust a pair only if its `match_by` is at least this quantile of the column's "
        "values. A pair without a value is then not trusted. With 0, the column is not used.",
    )
    max_cloud_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Train on an image if at most this share of its pixels looks like cloud.",
    )
    max_blank: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Train on an image if at most this share of its pixels is black or white.",
    )
    max_haze: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Trust an image if at most this share of its light comes from haze.",
    )
    min_sharpness: float = Field(
        0.15,
        ge=0,
        le=1,
        description="Trust an image if its fine detail is at least this share of its coarse "
        "detail.",
    )
    shown: Literal["all", "yes"] = Field(
        "yes",
        description="Trust all pairs (`all`), or only those whose image certainly shows what its "
        "caption names (`yes`), if the run has the table `truth`.",
    )
    verdicts: ConfigPath | None = Field(
        None,
        description="Read verdicts on captions from this CSV: verdicts.csv of `skyscript judge`. A "
        "pair that is judged wrong or unsure is not trusted, and the comparison counts those "
        "judged right.",
    )
    top: tuple[Percent, ...] = Field(
        (20, 30, 50), min_length=1, description="Compare the cuts to these best percentages."
    )
    seed: int = Field(0, description="Seed the random cut that the others are compared with.")
