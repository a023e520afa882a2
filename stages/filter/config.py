"""What the filter keeps, as options; each says what it is good for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.stage import StageConfig

Percent = Annotated[int, Field(ge=1, le=100)]


class FilterConfig(StageConfig):
    """Which pairs stay in training, and which are set aside before that."""

    seed: int = Field(0, description="Of the draw of what is set aside.")
    by: tuple[str, ...] = Field(
        (), description="Score columns to cut by; none: the one that titles have."
    )
    combine: Literal["rank_average", "agreement"] = Field(
        "rank_average",
        description="How several columns become one: the mean of a pair's ranks (scorers err in "
        "different places), or its worst rank (a pair stays where all agree).",
    )
    name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.+-]+$",
        description="What the files say after `filtered_by_`; none: the column's name.",
    )
    top: tuple[Percent, ...] = Field(
        (20, 30, 50), description="Training files to write: the best so many percent."
    )
    within: Literal["all", "source"] = Field(
        "all",
        description="What competes: all pairs, or those of a source alone, so that 30 m Landsat "
        "need not beat 0.1 m orthophotos. The number of rows is the same.",
    )
    min_per_tag: int = Field(
        0,
        ge=0,
        description="Every tag keeps its best so many pairs before the rest goes by score: raw "
        "cosine ranks captions as much as images, so a plain cut drops whole tags.",
    )
    max_per_caption: int | None = Field(
        None,
        ge=1,
        description="At most so many images of one and the same caption; fewer rows may be left.",
    )
    lowest_phrases: int = Field(
        0,
        ge=0,
        le=99,
        description="Drop the neighbours' phrases of title_multi_objects whose scores are the "
        "lowest so many percent of all phrases, in place of whole pairs: what the map knows but "
        "the image does not show. Needs scores with `score.phrases: true`.",
    )
    phrases_below: float | None = Field(
        None, ge=-1, le=1, description="Likewise those that score less than this."
    )
    split: Literal["leakage_safe", "random"] = Field(
        "leakage_safe",
        description="What is set aside: whole blocks of the Earth that training never sees, or "
        "objects at random, as published.",
    )
    block: float = Field(0.1, gt=0, le=90, description="Side of a block, in degrees.")
    test_rows: int = Field(30_000, ge=0, description="Pairs in the test file, if there are enough.")
    val_rows: int = Field(5_000, ge=0, description="Pairs in the validation file, likewise.")
    held_out_top: Percent = Field(
        30, description="Test and validation pairs come from the best so many percent set aside."
    )
    max_held_out: float = Field(
        0.1, gt=0, le=0.5, description="At most this share of all pairs is set aside, for each."
    )
    near: int = Field(
        3,
        ge=0,
        le=3,
        description="Images whose image_hash differs in at most so many of its 64 bits are the "
        "same image: training loses those that are also set aside.",
    )
