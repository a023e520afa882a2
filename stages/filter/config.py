"""Options of the filter."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.stage import StageConfig

Percent = Annotated[int, Field(ge=1, le=100)]


class FilterConfig(StageConfig):
    """Which pairs are kept for training, and which are set aside for validation and test."""

    seed: int = Field(0, description="Seed the draw of the pairs that are set aside.")
    by: tuple[str, ...] = Field(
        (),
        description="Rank by these columns. By default, by the only `similarity_*` of `title`. In "
        "a run, `match` ranks by how well the map lies on the image; pairs without a match then "
        "have no score.",
    )
    combine: Literal["rank_average", "agreement"] = Field(
        "rank_average",
        description="Combine several score columns into one. `rank_average` takes the mean of a "
        "pair's ranks, because scorers err in different places. `agreement` takes the worst rank, "
        "so a pair stays only if all scorers agree.",
    )
    name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.+-]+$",
        description="Write this after `filtered_by_` in file names. By default, the column's name.",
    )
    top: tuple[Percent, ...] = Field(
        (20, 30, 50), description="Write a training file for each of these best percentages."
    )
    within: Literal["all", "source"] = Field(
        "all",
        description="Let all pairs compete (`all`), or only those of the same source (`source`), "
        "so that Landsat at 30 m need not beat orthophotos at 0.1 m. The number of rows is the "
        "same.",
    )
    min_per_tag: int = Field(
        0,
        ge=0,
        description="Keep at least this many of the best pairs of every tag, before the rest is "
        "cut by score. Raw cosine ranks captions as much as images, so a plain cut drops whole "
        "tags.",
    )
    max_per_caption: int | None = Field(
        None,
        ge=1,
        description="Keep at most this many images of one caption; fewer rows may be left.",
    )
    lowest_phrases: int = Field(
        0,
        ge=0,
        le=99,
        description="Drop single phrases of title_multi_objects instead of whole pairs: those of "
        "neighbours that the map knows but the image does not show. This percentage of all "
        "phrases is dropped, by lowest score. It needs scores with `score.phrases: true`.",
    )
    phrases_below: float | None = Field(
        None, ge=-1, le=1, description="Drop neighbours' phrases that score less than this."
    )
    max_days_after: int | None = Field(
        None,
        ge=0,
        description="Drop pairs whose object was last changed on the map more than this many days "
        "after the image was taken, or whose start_date is later than the image. Pairs whose "
        "dates are unknown stay.",
    )
    split: Literal["leakage_safe", "random"] = Field(
        "leakage_safe",
        description="Set whole blocks of the Earth aside that training never sees "
        "(`leakage_safe`), or objects at random, as published (`random`).",
    )
    block: float = Field(
        0.1,
        gt=0,
        le=90,
        description="Make a block this many degrees wide. In a small region, blocks are halved "
        "until enough pairs can be set aside.",
    )
    test_rows: int = Field(30_000, ge=0, description="Write this many test pairs, if possible.")
    val_rows: int = Field(5_000, ge=0, description="Write this many validation pairs, if possible.")
    held_out_top: Percent = Field(
        30,
        description="Take the test and validation pairs from this best percentage of the pairs "
        "set aside.",
    )
    max_held_out: float = Field(
        0.1,
        gt=0,
        le=0.5,
        description="Set aside at most this share of all pairs for the test file, and as many for "
        "the validation file.",
    )
    near: int = Field(
        3,
        ge=0,
        le=3,
        description="Treat images as the same if their image_hash differs in at most this many of "
        "its 64 bits. Training then loses the images that are also set aside.",
    )
