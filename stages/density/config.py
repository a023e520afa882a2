"""The config block of the stage `density`."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import StageConfig


class DensityConfig(StageConfig):
    """The cells in which objects are counted."""

    cell: float | None = Field(
        None,
        ge=0.001,
        le=1,
        description="Count the objects of each concept in cells that are this many degrees wide "
        "and high, such as 0.01. Smaller cells take longer and hold fewer objects. The table "
        "`truth` needs these counts to tell where the map is complete. By default, neither "
        "`density` nor `truth` is made.",
    )
