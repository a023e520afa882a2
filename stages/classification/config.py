"""Options of build-classification."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import ConfigPath, StageConfig


class ClassificationConfig(StageConfig):
    """The size of the set, and what training must not share with it."""

    seed: int = Field(
        0,
        description="Seed the random draw of what training must not use (blocks of the "
        "Earth, or objects) and of the images of the set.",
    )
    classes: int = Field(70, ge=2, description="Build exactly this many classes.")
    per_class: int = Field(100, ge=1, description="Take exactly this many images of each class.")
    hold_out: Literal["blocks", "objects"] = Field(
        "blocks",
        description="Choose what training must not use. `blocks`: whole blocks of the Earth, so "
        "that it sees nothing near the set. `objects`: the objects of the set, and every image of "
        "the same ground.",
    )
    block: float = Field(0.1, gt=0, le=90, description="Make a block this many degrees wide.")
    max_held_out: float = Field(
        0.1,
        gt=0,
        le=0.9,
        description="Hold out at most this share of the run's images; the set is drawn from them.",
    )
    trained_on: tuple[ConfigPath, ...] = Field(
        (),
        description="Build a set for a model that was trained on these captions files. No blocks "
        "are drawn: the set takes only images that share no object and no ground with these files.",
    )
    ambiguous: Literal["exclude", "focus"] = Field(
        "exclude",
        description="Drop an image that shows several of the classes (`exclude`), or judge it by "
        "its focus object only (`focus`).",
    )
    shown: Literal["auto", "yes", "all"] = Field(
        "auto",
        description="Take only images that certainly show their class by the table `truth`, and "
        "drop those that certainly show another class too (`yes`), or trust the tags (`all`). "
        "`auto` is `yes` if the run has that table.",
    )
    images: Literal["link", "copy"] = Field(
        "link",
        description="Make hard links to the run's images if the disk allows it (`link`), or copy "
        "the images (`copy`).",
    )
