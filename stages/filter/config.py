"""Options of the filter."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.stage import ConfigFile, StageConfig

_OPTIONS = {
    "balanced": ("balance_from",),
    "soft_cap": ("temperature", "caption_penalty", "concept_penalty"),
}
"""Options that only one cut uses."""
Percent = Annotated[int, Field(ge=1, le=100)]


class FilterConfig(StageConfig):
    """Which pairs are kept for training, and which are set aside for validation and test."""

    seed: int = Field(0, description="Seed the draw of the pairs that are set aside.")
    join: tuple[ConfigFile, ...] = Field(
        (),
        description="Add score columns of other files to the pairs by `filepath`: a CSV, a Parquet "
        "file, or a folder of Parquet files such as a table of a run (which may have `object_id` "
        "instead). A pair that a file does not name has no score.",
    )
    by: tuple[str, ...] = Field(
        (),
        description="Rank by these columns. By default, by the only `similarity_*` of `title`. In "
        "a run, `match` ranks by how well the map lies on the image; pairs without a match then "
        "have no score.",
    )
    combine: Literal["rank_average", "agreement", "learned"] = Field(
        "rank_average",
        description="Combine several score columns into one. `rank_average` takes the mean of a "
        "pair's ranks, because scorers err in different places. `agreement` takes the worst rank, "
        "so a pair stays only if all scorers agree. `learned` fits a logistic regression to the "
        "pairs of `labels`, by cross-fitting.",
    )
    labels: ConfigFile | None = Field(
        None,
        description="Learn the mix of `combine: learned` from this CSV with the columns filepath "
        "and label: 1 for a good pair, 0 for a bad one, at least ten of each.",
    )
    name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.+-]+$",
        description="Write this after `filtered_by_` in file names. By default, the column's name.",
    )
    top: tuple[Percent, ...] = Field(
        (20, 30, 50), description="Write a training file for each of these best percentages."
    )
    cut: Literal["top", "soft_cap", "balanced"] = Field(
        "top",
        description="Choose how training pairs are selected; every file has the same exact number "
        "of rows. `top` takes the best scores, as published. `soft_cap` samples pairs by score and "
        "lowers the chance of captions and concepts that it has taken before, as FLYT does. "
        "`balanced` draws pairs at random, as MetaCLIP does: a concept of `count` pairs keeps each "
        "with probability min(1, t / count), and t follows from the number of rows.",
    )
    concept: str | None = Field(
        None,
        description="Take the concept of a pair from this column of the input. By default, the "
        "concept is the first tag of `title`.",
    )
    balance_from: Percent = Field(
        100,
        description="With `cut: balanced`, draw only from the best N percent of the pairs by "
        "score. N must be at least the largest value of `top`.",
    )
    temperature: float = Field(
        0.1,
        ge=0,
        description="Let `soft_cap` add a random number of about this size to each score, in "
        "standard deviations of the score. With 0, only the penalties change the order.",
    )
    caption_penalty: float = Field(
        0.1,
        ge=0,
        description="Let `soft_cap` lower a pair's score by this many standard deviations for each "
        "doubling of the number of pairs of its caption that are taken.",
    )
    concept_penalty: float = Field(
        0.1,
        ge=0,
        description="Let `soft_cap` lower a pair's score by this many standard deviations for each "
        "doubling of the number of pairs of its concept that are taken.",
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
    max_per_image: int | None = Field(
        None,
        ge=1,
        description="Remove a pair if this many better pairs show nearly the same image, as `near` "
        "and `alike` define it; fewer rows may be left. The input needs the column image_hash.",
    )
    alike: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Let `max_per_image` also treat images as the same if the cosine of their CLIP "
        "vectors is at least this, such as 0.97. The vectors are those that `score` stored. The "
        "input needs the column content_hash. In a large set, a few similar images are not found.",
    )
    lowest_phrases: int = Field(
        0,
        ge=0,
        le=99,
        description="Drop single phrases of title_multi_objects instead of whole pairs: those of "
        "neighbours that the map knows but the image does not show. This percentage of all "
        "phrases is dropped, by lowest score. The scores must be made with `score.phrases: true`.",
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
    shown: Literal["all", "yes"] = Field(
        "all",
        description="Keep all pairs (`all`), or only those whose image certainly shows what its "
        "caption names (`yes`), by the table `truth` of the run or of `join`.",
    )
    leave_out: tuple[ConfigFile, ...] = Field(
        (),
        description="Remove images from the training files: those in the column filepath of these "
        "CSVs, for example leave_out.csv of `skyscript leakage`.",
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
        description="Treat two images as the same if their image_hash differs in at most this many "
        "of its 64 bits. Such copies of a test image are removed from validation and training, and "
        "copies of a validation image from training. `max_per_image` uses the same limit.",
    )

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        for cut, names in _OPTIONS.items():
            for name in names:
                changed = getattr(self, name) != type(self).model_fields[name].default
                if changed and cut != self.cut:
                    raise ValueError(f"{name} is an option of the cut {cut}, not of {self.cut}")
        if self.alike is not None and self.max_per_image is None:
            raise ValueError("alike is used by max_per_image only, which is not given")
        if (self.combine == "learned") != (self.labels is not None):
            raise ValueError("combine: learned needs labels, and only it uses them")
        if self.balance_from < max(self.top, default=0):
            raise ValueError(
                f"balance_from is {self.balance_from}; make it at least {max(self.top)}, the "
                "largest percentage of top"
            )
        return self
